/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpctl request: have xldumpd dump a guest. */
#include <stdio.h>
#include <string.h>

#include "common/client.h"
#include "ctl/cmd.h"
#include "base/json.h"
#include "base/text.h"
#include "xldump_schema.h"

enum { OPT_NO_WAIT = 256, OPT_NAME, OPT_TIMER, OPT_JSON };

/* Besides the settings of a dump, xd_settings_options(). */
static const struct option own_options[] = {
	{ "no-wait", no_argument, NULL, OPT_NO_WAIT },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "timer", no_argument, NULL, OPT_TIMER },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct asked {
	const char *domain;
	char id[XD_ID_MAX];
	struct client_nodes nodes;
	bool no_wait, json, quiet;
};

static void report(const struct asked *a, const struct client_job *job)
{
	if (a->json) {
		_cleanup_json_ struct json_object *o = client_json(job);

		(void)printf("%s\n", xl_json_line(o));
	} else if (job->result[0]) {
		(void)printf("%s\n", job->result);
	}
	if (!job->result[0])
		(void)fprintf(stderr, "xldumpctl request: %s (%s): %s\n", job->state, job->reason,
			      job->error);
}

static int ask(struct xl_ctx *x, const struct asked *a)
{
	_cleanup_(xd_store_closep) struct xd_store *s = NULL;
	struct client_job job;
	char path[256];
	int r = xd_store_open(x, &s);

	if (r == 0)
		r = client_check(x, s);
	if (r == 0)
		r = client_request(x, s, a->id, a->domain, &a->nodes);
	if (r < 0)
		return cmd_fail(&cmd_request, x);
	if (a->no_wait) {
		(void)printf("%s\n", a->id);
		return cmd_flush(&cmd_request) ? 0 : CMD_BROKEN;
	}
	r = client_follow(x, s, a->id, x->cancel, a->quiet || a->json, &job);
	if (r < 0)
		return cmd_fail(&cmd_request, x);
	report(a, &job);
	(void)snprintf(path, sizeof(path), "%s/%s", XD_STORE_REQUEST, a->id);
	(void)xd_store_remove(s, path);
	return cmd_flush(&cmd_request) ? r : CMD_BROKEN;
}

static int run(struct xl_ctx *x, int argc, char **argv)
{
	struct option options[XD_SETTINGS_OPTIONS + XL_ARRAY_SIZE(own_options)];
	struct asked a = { 0 };
	int c;

	client_id(a.id);
	xd_settings_options(options);
	memcpy(options + XD_SETTINGS_OPTIONS, own_options, sizeof(own_options));
	while ((c = cmd_getopt(&cmd_request, argc, argv, XD_SETTINGS_LETTERS "qh", options)) != -1) {
		if (xd_settings_option(c)) {
			client_nodes_set(&a.nodes, xd_settings_option(c), optarg); /* the daemon judges */
		} else if (c == OPT_NAME) {
			if (!xd_job_id_ok(optarg))
				return cmd_usage_error(&cmd_request,
						       "invalid request name `%s': use at most 48 "
						       "letters, digits, dots, dashes and "
						       "underscores",
						       optarg);
			(void)snprintf(a.id, sizeof(a.id), "%s", optarg);
		} else if (c == OPT_TIMER) {
			client_nodes_set(&a.nodes, XD_NODE_TRIGGER, xd_trigger_name(XD_TRIGGER_TIMER));
		}
		a.no_wait |= c == OPT_NO_WAIT;
		a.json |= c == OPT_JSON;
		a.quiet |= c == 'q';
	}
	if (argc - optind != 1 || !argv[optind][0])
		return cmd_usage_error(&cmd_request, "one domain is needed");
	(void)xl_unescape(argv[optind]); /* as list and status show it, or systemd-escape(1) makes it */
	a.domain = argv[optind];
	return ask(x, &a);
}

const struct cmd cmd_request = {
	.name = "request",
	.summary = "ask xldumpd to dump a guest",
	.usage = "usage: xldumpctl request [OPTIONS] DOMAIN\n"
		 "Ask xldumpd to dump a guest into its directory, wait, and print the file's name.\n"
		 "\n"
		 XD_SETTINGS_USAGE
		 "      --no-wait          print the name of the request and do not wait\n"
		 "      --name=NAME        name of the request\n"
		 "      --timer            record that a timer asked for the dump\n"
		 "      --json             print the result as one JSON object\n"
		 "  -q, --quiet            do not show progress\n"
		 "\n"
		 "For options that are not given, the settings of xldumpd.conf(5) apply.  A signal\n"
		 "cancels the dump.\n",
	.run = run,
};
