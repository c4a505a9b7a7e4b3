/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpctl reassemble: a file from its flattened form, as it comes out of a pipe. */
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"

#include "ctl/cmd.h"
#include "image/flat_format.h"
#include "image/image_digests.h"
#include "sink/sink.h"

#define CHUNK ((size_t)1 << 20)

/* A new file with a name, or standard output, which must be a file too. */
struct target {
	struct xl_sink *sink; /* NULL: standard output */
	uint64_t size;
};

struct job {
	struct xl_ctx *x;
	int in;
	uint64_t at; /* offset of the input, for the words */
	struct target out;
	bool allow_damage;
	uint8_t *buf; /* CHUNK bytes */
};

static int read_all(struct job *j, void *buf, size_t len)
{
	char *p = buf;

	while (len > 0) {
		ssize_t n = read(j->in, p, len);
		int r = xl_check_cancel(j->x);

		if (r < 0)
			return r;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return xl_err(j->x, -errno, "read the input");
		if (n == 0)
			return xl_fail(j->x, XLDUMP_CAUSE_OTHER, -EPIPE, "the input ends at offset %#"
				       PRIx64 ", in the middle of the dump: whoever wrote it has "
				       "stopped early", j->at);
		p += n;
		j->at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_stdout(struct xl_ctx *x, const uint8_t *p, size_t len, uint64_t offset)
{
	while (len > 0) {
		ssize_t n = pwrite(STDOUT_FILENO, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return xl_fail(x, n < 0 && errno == ENOSPC ? XLDUMP_CAUSE_NO_SPACE :
				       XLDUMP_CAUSE_OUTPUT, n < 0 ? -errno : -EIO,
				       "cannot write to standard output: %s",
				       strerror(n < 0 ? errno : EIO));
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int put(struct job *j, size_t len, uint64_t offset)
{
	if (offset + len > j->out.size)
		j->out.size = offset + len;
	if (j->out.sink)
		return xl_sink_pwrite(j->x, j->out.sink, j->buf, len, offset);
	return write_stdout(j->x, j->buf, len, offset);
}

static int take_header(struct job *j)
{
	int r = read_all(j, j->buf, FLAT_HEADER_SIZE);

	if (r < 0)
		return r;
	if (memcmp(j->buf, FLAT_SIGNATURE, sizeof(FLAT_SIGNATURE)) != 0)
		return xl_fail(j->x, XLDUMP_CAUSE_OTHER, -EINVAL,
			       "the input is not a flattened dump: it does not begin with "
			       FLAT_SIGNATURE);
	return 0;
}

/* 1: that was the record that ends it. */
static int take_record(struct job *j)
{
	uint64_t raw[2], offset, len, start = j->at;
	int r = read_all(j, raw, sizeof(raw));

	if (r < 0)
		return r;
	offset = be64toh(raw[0]);
	len = be64toh(raw[1]);
	if (offset == UINT64_MAX && len == UINT64_MAX)
		return 1;
	if (len == 0 || offset > INT64_MAX || len > INT64_MAX - offset)
		return xl_fail(j->x, XLDUMP_CAUSE_OTHER, -EINVAL, "the record at offset %#" PRIx64
			       " of the input is none: offset %#" PRIx64 ", length %#" PRIx64, start,
			       offset, len);
	while (len > 0) {
		size_t n = len < CHUNK ? len : CHUNK;

		r = read_all(j, j->buf, n);
		if (r == 0)
			r = put(j, n, offset);
		if (r < 0)
			return r;
		offset += n;
		len -= n;
	}
	return 0;
}

static int copy(struct job *j)
{
	int r = take_header(j);

	while (r == 0)
		r = take_record(j);
	return r < 0 ? r : 0;
}

/* ---- where to ---- */

static int check_stdout(struct xl_ctx *x)
{
	int flags = fcntl(STDOUT_FILENO, F_GETFL);
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) && flags >= 0 &&
	    !(flags & O_APPEND))
		return 0;
	return xl_fail(x, XLDUMP_CAUSE_USAGE, -ESPIPE,
		       "standard output must be a file, not a pipe, a terminal or one that is appended "
		       "to: the parts of the dump come in no order (see xldumpctl reassemble --help)");
}

/* Whether the new file is as it was written, if it has digests.  One that we cannot open may be good for
 * others.  Standard output may not be open for reading. */
static int check(struct job *j)
{
	_cleanup_(xl_image_closep) struct xl_image *img = NULL;
	char path[64];
	int fd, r;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d",
		       j->out.sink ? xl_sink_file_fd(j->out.sink) : STDOUT_FILENO);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return xl_err(j->x, -errno, "read the new file to check it");
	r = xl_image_fdopen(j->x, fd, &img);
	if (r == -EINVAL || r == -EOPNOTSUPP) {
		xl_log(j->x, XLDUMP_LOG_WARNING, "the new file was not checked: %s", j->x->err);
		xl_err_clear(j->x);
		return 0;
	}
	if (r == 0)
		r = xl_image_check(j->x, img, true);
	return r == -EBADMSG ? xl_err(j->x, r, "`--allow-damage' puts it together all the same") :
			       r;
}

static int copy_and_check(struct job *j)
{
	int r = copy(j);

	if (r == 0 && j->out.sink)
		r = xl_sink_truncate(j->x, j->out.sink, j->out.size);
	else if (r == 0 && ftruncate(STDOUT_FILENO, (off_t)j->out.size) < 0)
		r = xl_fail(j->x, XLDUMP_CAUSE_OUTPUT, -errno,
			    "cannot write to standard output: %s", strerror(errno));
	return r < 0 || j->allow_damage ? r : check(j);
}

/* Half a dump must not be taken for one. */
static int finish_stdout(struct job *j, int r)
{
	if (r == 0 && fsync(STDOUT_FILENO) == 0)
		return 0;
	if (r == 0)
		r = xl_fail(j->x, XLDUMP_CAUSE_OUTPUT, -errno, "cannot write to standard output: %s",
			    strerror(errno));
	if (ftruncate(STDOUT_FILENO, 0) < 0)
		(void)fputs("xldumpctl reassemble: cannot empty the unfinished file\n",
			    stderr);
	return r;
}

static int reassemble(struct job *j, const char *path, bool force)
{
	uint64_t size, disk;
	int r;

	j->buf = malloc(CHUNK);
	if (!j->buf)
		return xl_err(j->x, -ENOMEM, "reassemble a dump");
	r = path ? xl_sink_file_open(j->x, path, force, &j->out.sink) : check_stdout(j->x);
	if (r < 0)
		return r;
	r = copy_and_check(j);
	if (!path)
		return finish_stdout(j, r);
	return r < 0 ? r : xl_sink_commit(j->x, j->out.sink, &size, &disk);
}

static int open_input(struct xl_ctx *x, const char *path, int *ret)
{
	*ret = STDIN_FILENO;
	if (!path || !strcmp(path, "-"))
		return 0;
	*ret = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*ret < 0)
		return xl_fail(x, errno == EACCES ? XLDUMP_CAUSE_PERMISSION : XLDUMP_CAUSE_OTHER,
			       -errno, "cannot open %s: %s", path, strerror(errno));
	return 0;
}

static int run(struct xl_ctx *x, int argc, char **argv)
{
	static const struct option options[] = {
		{ "allow-damage", no_argument, NULL, 'D' },
		{ "force", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct job j = { .x = x };
	const char *in, *out;
	bool force = false;
	int c, r;

	while ((c = cmd_getopt(&cmd_reassemble, argc, argv, "h", options)) != -1)
		*(c == 'f' ? &force : &j.allow_damage) = true;
	if (argc - optind > 2)
		return cmd_usage_error(&cmd_reassemble,
				       "too many arguments: at most an input and an output");
	in = argc > optind ? argv[optind] : NULL;
	out = argc > optind + 1 && strcmp(argv[optind + 1], "-") ? argv[optind + 1] : NULL;
	if (open_input(x, in, &j.in) < 0)
		return cmd_fail(&cmd_reassemble, x);
	r = reassemble(&j, out, force);
	xl_sink_close(j.out.sink);
	free(j.buf);
	if (j.in != STDIN_FILENO)
		(void)close(j.in);
	return r < 0 ? cmd_fail(&cmd_reassemble, x) : 0;
}

const struct cmd cmd_reassemble = {
	.name = "reassemble",
	.summary = "make an ordinary file of a flattened one",
	.usage = "usage: xldumpctl reassemble [OPTIONS] [IN [OUT]]\n"
		 "Make an ordinary dump of a flattened one, such as `" LIVEDUMP " GUEST -' writes.\n"
		 "\n"
		 "  IN           the flattened dump; `-' or nothing means standard input\n"
		 "  OUT          a new file; it has mode 0600 and appears when it is complete.  `-'\n"
		 "               or nothing means standard output, which must be a file; it is\n"
		 "               emptied again on failure\n"
		 "      --force  replace an existing file\n"
		 "      --allow-damage\n"
		 "               keep damaged pages; verify still reports them in the new file\n"
		 "  -h, --help   this text\n"
		 "\n"
		 "Example: " LIVEDUMP " web01 - | ssh host 'xldumpctl reassemble - web01.img'\n",
	.run = run,
};
