/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpctl status, watch and cancel: the requests that xldumpd knows. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/client.h"
#include "ctl/cmd.h"
#include "base/json.h"
#include "base/text.h"
#include "xldump_schema.h"

/* How long a signal may wait until it is noticed. */
#define LOOK_EVERY_MS 500

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* What is of interest of a request in its state. */
static const char *last_column(const struct client_job *job)
{
	if (job->result[0])
		return job->result;
	return job->error[0] ? job->error : job->progress;
}

static void print_line(const struct client_job *job)
{
	time_t since = (time_t)job->since;
	char time_text[32] = "-", name[XL_ESCAPED_MAX(XLDUMP_NAME_MAX)], last[XL_ERR_MAX];
	struct tm tm;

	if (since && localtime_r(&since, &tm))
		(void)strftime(time_text, sizeof(time_text), "%F %T", &tm);
	(void)printf("%-19s  %-9s  %-7s  %-20s  %-16s  %s\n", time_text, job->state, job->trigger,
		     job->id, client_shown(job->name, name, sizeof(name)),
		     client_shown(last_column(job), last, sizeof(last)));
}

static void print_legend(void)
{
	(void)printf("%-19s  %-9s  %-7s  %-20s  %-16s  %s\n", "SINCE", "STATE", "TRIGGER",
		     "REQUEST", "GUEST", "FILE, ERROR OR PROGRESS");
}

static int print_all(struct xl_ctx *x, struct xd_store *s, bool json)
{
	_cleanup_free_ struct client_job *job = NULL;
	size_t n;
	int r = client_read_all(x, s, &job, &n);

	if (r < 0)
		return r;
	if (json) {
		_cleanup_json_ struct json_object *o = json_object_new_array();

		for (size_t i = 0; i < n; i++)
			(void)json_object_array_add(o, client_json(&job[i]));
		(void)printf("%s\n", xl_json_line(o));
		return 0;
	}
	if (n == 0)
		(void)printf("no requests\n");
	else
		print_legend();
	for (size_t i = 0; i < n; i++)
		print_line(&job[i]);
	return 0;
}

static bool take_options(const struct cmd *cmd, int argc, char **argv)
{
	bool json = false;
	int c;

	while ((c = cmd_getopt(cmd, argc, argv, "h", options)) != -1)
		json |= c == 'j';
	return json;
}

static int run_status(struct xl_ctx *x, int argc, char **argv)
{
	_cleanup_(xd_store_closep) struct xd_store *s = NULL;
	bool json = take_options(&cmd_status, argc, argv);
	int r;

	if (optind < argc)
		return cmd_usage_error(&cmd_status, "unexpected argument `%s'", argv[optind]);
	r = xd_store_open(x, &s);
	if (r == 0)
		r = client_check(x, s);
	if (r == 0)
		r = print_all(x, s, json);
	if (r < 0)
		return cmd_fail(&cmd_status, x);
	return cmd_flush(&cmd_status) ? 0 : CMD_BROKEN;
}

/* Print what differs from what was before. */
static void print_changes(const struct client_job *old, size_t n_old, const struct client_job *job,
			  size_t n, bool json)
{
	for (size_t i = 0; i < n; i++) {
		bool same = false;

		for (size_t k = 0; k < n_old && !same; k++)
			same = !memcmp(&old[k], &job[i], sizeof(job[i]));
		if (same)
			continue;
		if (json) {
			_cleanup_json_ struct json_object *o = client_json(&job[i]);

			(void)printf("%s\n", xl_json_line(o));
		} else {
			print_line(&job[i]);
		}
	}
}

static int run_watch(struct xl_ctx *x, int argc, char **argv)
{
	_cleanup_(xd_store_closep) struct xd_store *s = NULL;
	_cleanup_free_ struct client_job *old = NULL;
	bool json = take_options(&cmd_watch, argc, argv);
	size_t n_old = 0;
	int r;

	if (optind < argc)
		return cmd_usage_error(&cmd_watch, "unexpected argument `%s'", argv[optind]);
	r = xd_store_open(x, &s);
	if (r == 0)
		r = client_check(x, s);
	if (r == 0)
		r = xd_store_watch(s, XD_STORE_REQUEST, "w");
	if (r < 0)
		return cmd_fail(&cmd_watch, x);
	if (!json)
		print_legend();
	while (!*x->cancel) {
		struct client_job *job;
		size_t n;

		if (client_read_all(x, s, &job, &n) < 0)
			return cmd_fail(&cmd_watch, x);
		print_changes(old, n_old, job, n, json);
		free(old);
		old = job;
		n_old = n;
		if (!cmd_flush(&cmd_watch))
			return CMD_BROKEN;
		/* A signal may arrive just before the wait, which then does not notice it. */
		while (!*x->cancel && !client_wait(s, LOOK_EVERY_MS))
			;
	}
	return 0;
}

static int run_cancel(struct xl_ctx *x, int argc, char **argv)
{
	_cleanup_(xd_store_closep) struct xd_store *s = NULL;
	int r;

	(void)take_options(&cmd_cancel, argc, argv);
	if (optind == argc)
		return cmd_usage_error(&cmd_cancel, "a request is needed");
	r = xd_store_open(x, &s);
	if (r == 0)
		r = client_check(x, s);
	for (; r == 0 && optind < argc; optind++)
		r = client_cancel(x, s, argv[optind]);
	return r < 0 ? cmd_fail(&cmd_cancel, x) : 0;
}

const struct cmd cmd_status = {
	.name = "status",
	.summary = "list what xldumpd does and has done lately",
	.usage = "usage: xldumpctl status [--json]\n"
		 "List the requests that wait, run, or ended less than an hour ago.  `xldumpctl\n"
		 "request' removes its own request when it has shown the result.\n",
	.run = run_status,
};

const struct cmd cmd_watch = {
	.name = "watch",
	.summary = "print each request when it changes",
	.usage = "usage: xldumpctl watch [--json]\n"
		 "Print all requests, and then each one whenever it changes, until interrupted.\n",
	.run = run_watch,
};

const struct cmd cmd_cancel = {
	.name = "cancel",
	.summary = "cancel a request",
	.usage = "usage: xldumpctl cancel REQUEST...\n"
		 "Cancel requests by the names that `xldumpctl status' shows.\n",
	.run = run_cancel,
};
