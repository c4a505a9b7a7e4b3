/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpctl dmesg: the kernel's log. */
#include <stdio.h>
#include <string.h>

#include "ctl/cmd.h"
#include "ctl/dumps.h"
#include "image/image_klog.h"

/* The guest wrote this, and it may go to a terminal: what is no printable ASCII becomes \xNN, as in
 * the kernel's own /dev/kmsg.  Each line of a record gets its time, as in the system call
 * syslog(2). */
static void print_record(void *data, uint64_t ns, const char *text, size_t len)
{
	const bool *raw = data;
	bool start = true;

	while (len && text[len - 1] == '\n')
		len--;
	for (size_t i = 0; i <= len; i++) {
		unsigned char c = i < len ? (unsigned char)text[i] : '\n';

		if (start && !*raw)
			(void)printf("[%5" PRIu64 ".%06" PRIu64 "] ", ns / 1000000000,
				     ns % 1000000000 / 1000);
		start = c == '\n';
		if (c == '\n' || c == '\t' || (c >= ' ' && c <= '~'))
			(void)putchar(c);
		else
			(void)printf("\\x%02x", c);
	}
}

static int print_log(struct xl_ctx *x, const char *path, const char *kernel, bool raw)
{
	_cleanup_(xl_image_closep) struct xl_image *img = NULL;
	_cleanup_(xl_image_vm_deinit) struct xl_image_vm vm = { 0 };
	uint64_t broken = 0;
	int r;

	r = xl_image_open(x, path, &img);
	if (r < 0)
		return r;
	img->kernel = kernel;
	r = xl_image_vm_init(x, img, false, &vm);
	if (r == 0)
		r = xl_image_klog(x, &vm, print_record, &raw, &broken);
	if (r < 0)
		return xl_err(x, r, "%s", path);
	if (broken)
		(void)fprintf(stderr,
			      "xldumpctl dmesg: %s: %" PRIu64 " records are invalid and were "
			      "skipped\n", path, broken);
	return 0;
}

static int run(struct xl_ctx *x, int argc, char **argv)
{
	static const struct option options[] = {
		{ "kernel", required_argument, NULL, 'k' },
		{ "notime", no_argument, NULL, 't' },
		{ "spool", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	_cleanup_free_ char *path = NULL;
	const char *spool = NULL, *kernel = NULL;
	bool raw = false;
	int c;

	while ((c = cmd_getopt(&cmd_dmesg, argc, argv, "th", options)) != -1) {
		raw = c == 't' || raw;
		if (c == 's')
			spool = optarg;
		if (c == 'k')
			kernel = optarg;
	}
	if (argc - optind != 1)
		return cmd_usage_error(&cmd_dmesg, "one file is needed");
	if (dumps_path(x, &cmd_dmesg, spool, argv[optind], &path) < 0 ||
	    print_log(x, path, kernel, raw) < 0)
		return cmd_fail(&cmd_dmesg, x);
	return cmd_flush(&cmd_dmesg) ? 0 : XLDUMP_CAUSE_OUTPUT;
}

const struct cmd cmd_dmesg = {
	.name = "dmesg",
	.summary = "print the kernel's log, without a debugger or debug symbols",
	.usage =
	"usage: xldumpctl dmesg [OPTIONS] FILE|MATCH\n"
	"Print the log of the Linux kernel (3.5 or later) in a dump.\n"
	"\n"
	DUMPS_USAGE_MATCH
	CMD_USAGE_KERNEL
	"  -t, --notime       do not print the time of each line\n"
	DUMPS_USAGE_SPOOL
	"  -h, --help         this text\n"
	"\n"
	"Bytes that are not printable ASCII are shown as \\xNN, because the guest wrote them.\n",
	.run = run,
};
