/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpctl convert: a dump in another format. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "format/format.h"
#include "image/image_cut.h"
#include "sink/sink.h"

struct job {
	struct xl_ctx *x;
	struct xl_image *img;
	struct xl_cut *cut;
	struct xl_sink *sink;
	const struct xl_format_ops *ops;
	struct xl_format *format;
	struct xl_format_params params;
};

static void job_deinit(struct job *j)
{
	if (j->ops)
		j->ops->close(j->format);
	xl_sink_close(j->sink);
	if (j->cut)
		xl_image_cut_deinit(j->cut);
	free(j->cut);
	xl_image_close(j->img);
}

static int copy_pages(struct job *j)
{
	uint8_t page[XL_PAGE_SIZE];

	for (xl_pfn_t pfn = xl_image_next(j->img, 0); pfn < j->img->nr_pfns;
	     pfn = xl_image_next(j->img, pfn + 1)) {
		int r = xl_check_cancel(j->x);

		if (r == 0)
			r = xl_image_page(j->x, j->img, pfn, page);
		if (r == 0)
			r = j->ops->put(j->x, j->format, pfn, page);
		if (r < 0)
			return r;
	}
	return 0;
}

static int convert(struct job *j, const char *in, const char *out, bool force)
{
	struct xl_layout layout;
	uint64_t size, disk;
	int r;

	j->cut = calloc(1, sizeof(*j->cut));
	if (!j->cut)
		return xl_err(j->x, -ENOMEM, "convert a dump");
	r = xl_image_open(j->x, in, &j->img);
	if (r == 0)
		r = xl_image_cut_init(j->x, j->img, j->cut);
	if (r == 0)
		r = strcmp(out, "-") ? xl_sink_file_open(j->x, out, force, &j->sink) :
		    xl_sink_fd_open(j->x, STDOUT_FILENO, &j->sink);
	if (r < 0)
		return r;
	layout = (struct xl_layout){ .nr_pfns = j->cut->nr_pfns, .present = &j->cut->present,
				     .vcpus = j->cut->vcpus };
	j->ops = xl_format_ops_of(j->params.format);
	r = j->ops->open(j->x, &layout, j->sink, &j->params, &j->format);
	if (r == 0)
		r = copy_pages(j);
	if (r == 0)
		r = j->ops->seal(j->x, j->format, j->cut);
	return r < 0 ? r : xl_sink_commit(j->x, j->sink, &size, &disk);
}

/* 0, or the exit status after it has been complained about. */
static int take_option(int c, struct xl_format_params *p, bool *force)
{
	switch (c) {
	case 'f':
		if (xldump_format_parse(optarg, &p->format) == 0)
			return 0;
		return cmd_usage_error(&cmd_convert, "format `%s' is none of elf, xencore, kdump",
				       optarg);
	case 'c':
		if (xldump_codec_parse(optarg, &p->codec, &p->level) == 0)
			return 0;
		return cmd_usage_error(&cmd_convert, "compression `%s' is none of zlib, lzo, snappy, "
				       "zstd, none, or has no such level", optarg);
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
		{ "force", no_argument, NULL, 'F' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct job j = { .x = x, .params.format = _XLDUMP_FORMAT_MAX };
	bool force = false;
	int c, r;

	while ((c = cmd_getopt(&cmd_convert, argc, argv, "f:c:h", options)) != -1) {
		r = take_option(c, &j.params, &force);
		if (r)
			return r;
	}
	if (j.params.format == _XLDUMP_FORMAT_MAX)
		return cmd_usage_error(&cmd_convert, "--format is needed");
	if (j.params.codec > XLDUMP_CODEC_NONE && j.params.format != XLDUMP_FORMAT_KDUMP)
		return cmd_usage_error(&cmd_convert, "pages of the format %s cannot be compressed",
				       xldump_format_name(j.params.format));
	if (argc - optind != 2)
		return cmd_usage_error(&cmd_convert, "a file, and one to write, are needed");
	r = convert(&j, argv[optind], argv[optind + 1], force);
	job_deinit(&j);
	return r < 0 ? cmd_fail(&cmd_convert, x) : 0;
}

const struct cmd cmd_convert = {
	.name = "convert",
	.summary = "write a dump again in another format",
	.usage =
	"usage: xldumpctl convert -f FORMAT [OPTIONS] IN OUT\n"
	"Write a dump in another format.  The pages stay what they are.\n"
	"\n"
	"  OUT                    a new file, which appears when it is complete, with\n"
	"                         mode 0600; `-': standard output, flattened\n"
	"  -f, --format=FORMAT    elf, xencore or kdump\n"
	"  -c, --compress=CODEC   of kdump: zlib (default), lzo, snappy, zstd or none; with\n"
	"                         a level as in zlib:9\n"
	"      --force            replace an existing file\n"
	"  -h, --help             this text\n",
	.run = run,
};
