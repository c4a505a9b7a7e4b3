/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpctl convert: a dump in another format. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "ctl/cmd.h"
#include "image/convert.h"
#include "sink/sink.h"

static int convert(struct xl_ctx *x, const struct xl_convert *how, const char *in, const char *out,
		   const char *kernel, bool force)
{
	_cleanup_(xl_image_closep) struct xl_image *img = NULL;
	_cleanup_(xl_sink_closep) struct xl_sink *sink = NULL;
	uint64_t size, disk;
	int r;

	r = xl_image_open(x, in, &img);
	if (r == 0) {
		img->kernel = kernel;
		r = strcmp(out, "-") ? xl_sink_file_open(x, out, force, &sink) :
		    xl_sink_fd_open(x, STDOUT_FILENO, &sink);
	}
	if (r == 0)
		r = xl_image_convert(x, img, how, sink);
	return r < 0 ? r : xl_sink_commit(x, sink, &size, &disk);
}

/* 0, or the exit status after it has been complained about. */
static int take_option(int c, struct xl_convert *how, bool *force)
{
	struct xl_format_params *p = &how->params;

	switch (c) {
	case 'f':
		if (xldump_format_parse(optarg, &p->format) == 0)
			return 0;
		return cmd_usage_error(&cmd_convert,
				       "unknown format `%s': use elf, xencore, xencore-raw or "
				       "kdump", optarg);
	case 'c':
		if (xldump_codec_parse(optarg, &p->codec, &p->level) == 0)
			return 0;
		return cmd_usage_error(&cmd_convert,
				       "unknown compression `%s': use zlib, lzo, snappy, zstd or "
				       "none, with a level such as zlib:9", optarg);
	case 'D':
		how->allow_damage = true;
		return 0;
	default:
		*force = true;
		return 0;
	}
}

static int run(struct xl_ctx *x, int argc, char **argv)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "compress", required_argument, NULL, 'c' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "allow-damage", no_argument, NULL, 'D' },
		{ "force", no_argument, NULL, 'F' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct xl_convert how = { .params = { .format = _XLDUMP_FORMAT_MAX } };
	const struct xl_format_params *params = &how.params;
	const char *conflict, *kernel = NULL;
	bool force = false;
	int c, r;

	while ((c = cmd_getopt(&cmd_convert, argc, argv, "f:c:h", options)) != -1) {
		if (c == 'k') {
			kernel = optarg;
			continue;
		}
		r = take_option(c, &how, &force);
		if (r)
			return r;
	}
	if (params->format == _XLDUMP_FORMAT_MAX)
		return cmd_usage_error(&cmd_convert, "the option --format is needed");
	conflict = xl_options_conflict(params->format, params->codec, 0);
	if (conflict)
		return cmd_usage_error(&cmd_convert, "%s", conflict);
	if (argc - optind != 2)
		return cmd_usage_error(&cmd_convert, "an input file and an output file are needed");
	r = convert(x, &how, argv[optind], argv[optind + 1], kernel, force);
	return r < 0 ? cmd_fail(&cmd_convert, x) : 0;
}

const struct cmd cmd_convert = {
	.name = "convert",
	.summary = "write a dump again in another format",
	.usage =
		"usage: xldumpctl convert -f FORMAT [OPTIONS] IN OUT\n"
		"Write a dump in another format.  The contents of the pages do not change, except\n"
		"those of page tables when converting to or from xencore-raw.\n"
		"\n"
		"  OUT                    a new file; it has mode 0600 and appears when it is\n"
		"                         complete.  `-' is standard output, in flattened form\n"
		"  -f, --format=FORMAT    elf, xencore, kdump, or for PV guests xencore-raw\n"
		"  -c, --compress=CODEC   how kdump is compressed: zlib (default), lzo, snappy, zstd\n"
		"                         or none; a level may follow, as in zlib:9\n"
		"      --kernel=N|RELEASE write VMCOREINFO of this kernel, of several in memory;\n"
		"                         info shows them with their numbers\n"
		"      --force            replace an existing file\n"
		"      --allow-damage     convert a file although its digests show damage; the new\n"
		"                         file lists the damaged pages\n"
		"  -h, --help             this text\n",
	.run = run,
};
