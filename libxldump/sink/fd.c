/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dump into a descriptor that is written from front to back, such as a pipe: the flattened form of
 * makedumpfile.  A header, then for each piece of the file a record of its offset and size in big
 * endian with the bytes behind, then a record of -1 and -1.  Where records overlap, the later one
 * counts for whoever puts the file together again.  crash, which also reads the stream itself, takes the
 * older bytes where a later record covers only a part of an earlier one: a format that writes a place
 * twice asks for records of one size (xl_sink_set_record()). */
#include "sink/sink.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "sink/sink_ops.h"

/* struct makedumpfile_header, makedumpfile.h */
#define FLAT_HEADER_SIZE 4096
#define FLAT_SIGNATURE "makedumpfile"
#define FLAT_TYPE 16    /* i64: 1 */
#define FLAT_VERSION 24 /* i64: 1 */

/* struct makedumpfile_data_header */
#define FLAT_RECORD_SIZE 16
#define FLAT_END UINT64_MAX

/* A pipe that poll(2) calls writable takes this much without waiting, so that we never wait where
 * nobody looks whether we are to stop.  For a pipe that cannot be opened once more, see open_again(). */
#define PIPE_CHUNK 4096
#define OTHER_CHUNK (256 * 1024)
#define LOOK_EVERY_MS 200

/* Fewer changes between writer and reader; what an ordinary user may have. */
#define PIPE_SIZE (1 << 20)

#define ZERO_CHUNK (64 * 1024)

/* Records that are sent at once. */
#define RECORDS_MAX 256

struct xl_stream {
	struct xl_sink sink;
	int fd;       /* the caller's, or own_fd */
	int own_fd;   /* the same pipe, opened by us; -1: none */
	bool to_stdout;
	size_t chunk; /* most bytes of one write(2) */
	bool regular;
	uint64_t written;
};

static struct xl_stream *stream_of(struct xl_sink *s)
{
	return (struct xl_stream *)s;
}

static const char *name_of(const struct xl_stream *f)
{
	return f->to_stdout ? "standard output" : "the output";
}

static int stream_fail(struct xl_ctx *x, const struct xl_stream *f, int e)
{
	if (e == EPIPE || e == ECONNRESET)
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -e,
			       "%s: the reader of the dump has exited, so the dump is not complete",
			       name_of(f));
	return xl_fail(x, e == ENOSPC || e == EDQUOT ? XLDUMP_CAUSE_NO_SPACE : XLDUMP_CAUSE_OUTPUT,
		       -e, "%s: cannot write: %s", name_of(f), strerror(e));
}

/* Until something can be written, or we are told to stop. */
static int wait_for_room(struct xl_ctx *x, const struct xl_stream *f)
{
	struct pollfd p = { .fd = f->fd, .events = POLLOUT };

	for (;;) {
		int r = xl_check_cancel(x);

		if (r < 0)
			return r;
		r = poll(&p, 1, LOOK_EVERY_MS);
		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return stream_fail(x, f, errno);
	}
}

/* What is left of the n pieces after `done` bytes; returns how many pieces. */
static int advance(struct iovec **v, int n, size_t done)
{
	while (n > 0 && done >= (*v)->iov_len) {
		done -= (*v)->iov_len;
		(*v)++;
		n--;
	}
	if (n > 0) {
		(*v)->iov_base = (char *)(*v)->iov_base + done;
		(*v)->iov_len -= done;
	}
	return n;
}

/* The first pieces that make up at most `most` bytes, and at least one byte: how many.  *ret_len is
 * what of the first piece may be written where it alone is too long. */
static int fitting(const struct iovec *v, int n, size_t most, size_t *ret_len)
{
	size_t sum = 0;
	int k = 0;

	while (k < n && v[k].iov_len <= most - sum)
		sum += v[k++].iov_len;
	*ret_len = most;
	return k;
}

static int write_pieces(struct xl_ctx *x, struct xl_stream *f, struct iovec *v, int n)
{
	/* Our own description of a pipe does not block: only where it is full do we wait. */
	bool wait = f->own_fd < 0;
	int r;

	for (n = advance(&v, n, 0); n > 0;) {
		size_t len;
		ssize_t done;
		int k;

		r = wait ? wait_for_room(x, f) : xl_check_cancel(x);
		if (r < 0)
			return r;
		k = fitting(v, n, f->chunk, &len);
		done = k ? writev(f->fd, v, k) : write(f->fd, v->iov_base, len);
		wait = f->own_fd < 0 || (done < 0 && errno == EAGAIN);
		if (done < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (done <= 0)
			return stream_fail(x, f, done < 0 ? errno : EIO);
		f->written += (uint64_t)done;
		n = advance(&v, n, (size_t)done);
	}
	return 0;
}

/* The same, and a reader that has gone is an error, not the signal that ends the caller's process. */
static int write_quietly(struct xl_ctx *x, struct xl_stream *f, struct iovec *v, int n)
{
	const struct timespec now = { 0 };
	sigset_t pipe, old, pending;
	bool was_pending;
	int r;

	(void)sigemptyset(&pipe);
	(void)sigaddset(&pipe, SIGPIPE);
	(void)sigpending(&pending);
	was_pending = sigismember(&pending, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &pipe, &old);
	r = write_pieces(x, f, v, n);
	if (r == -EPIPE && !was_pending)
		(void)sigtimedwait(&pipe, NULL, &now);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

static int write_one(struct xl_ctx *x, struct xl_stream *f, void *buf, size_t len)
{
	struct iovec v = { .iov_base = buf, .iov_len = len };

	return write_quietly(x, f, &v, 1);
}

/* The end of the record that begins at offset: a border of record size, or of the bytes. */
static size_t record_len(const struct xl_stream *f, uint64_t offset, size_t len)
{
	size_t most = f->sink.record ? f->sink.record - offset % f->sink.record : len;

	return most < len ? most : len;
}

static int stream_pwrite(struct xl_ctx *x, struct xl_sink *s, const void *buf, size_t len,
			 uint64_t offset)
{
	uint8_t head[RECORDS_MAX][FLAT_RECORD_SIZE];
	struct iovec v[2 * RECORDS_MAX];
	const char *p = buf;

	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return stream_fail(x, stream_of(s), EFBIG);
	while (len > 0) {
		int n = 0, r;

		for (; len > 0 && n < RECORDS_MAX; n++) {
			size_t size = record_len(stream_of(s), offset, len);

			xl_put_be64(head[n], offset);
			xl_put_be64(head[n] + 8, size);
			v[2 * n] = (struct iovec){ head[n], FLAT_RECORD_SIZE };
			v[2 * n + 1] = (struct iovec){ (void *)(uintptr_t)p, size };
			p += size;
			offset += size;
			len -= size;
		}
		r = write_quietly(x, stream_of(s), v, 2 * n);
		if (r < 0)
			return r;
	}
	return 0;
}

static int stream_pread(struct xl_ctx *x, struct xl_sink *s, void *buf, size_t len,
			uint64_t offset)
{
	(void)buf;
	(void)len;
	(void)offset;
	return stream_fail(x, stream_of(s), ESPIPE);
}

static int stream_punch(struct xl_ctx *x, struct xl_sink *s, uint64_t offset, uint64_t len)
{
	static const uint8_t zeros[ZERO_CHUNK];

	while (len > 0) {
		size_t n = len < sizeof(zeros) ? len : sizeof(zeros);
		int r = stream_pwrite(x, s, zeros, n, offset);

		if (r < 0)
			return r;
		offset += n;
		len -= n;
	}
	return 0;
}

/* It ends where its last record does. */
static int stream_truncate(struct xl_ctx *x, struct xl_sink *s, uint64_t size)
{
	(void)x;
	(void)s;
	(void)size;
	return 0;
}

/* Nobody knows what is at the other end. */
static int stream_check_space(struct xl_ctx *x, struct xl_sink *s, uint64_t bytes)
{
	(void)x;
	(void)s;
	(void)bytes;
	return 0;
}

static int stream_commit(struct xl_ctx *x, struct xl_sink *s, uint64_t *ret_file_bytes,
			 uint64_t *ret_disk_bytes)
{
	struct xl_stream *f = stream_of(s);
	uint8_t record[FLAT_RECORD_SIZE];
	int r;

	xl_put_be64(record, FLAT_END);
	xl_put_be64(record + 8, FLAT_END);
	r = write_one(x, f, record, sizeof(record));
	if (r < 0)
		return r;
	if (f->regular && fsync(f->fd) < 0)
		return stream_fail(x, f, errno);
	*ret_file_bytes = *ret_disk_bytes = f->written;
	return 0;
}

static void stream_close(struct xl_sink *s)
{
	if (stream_of(s)->own_fd >= 0)
		(void)close(stream_of(s)->own_fd);
	free(stream_of(s));
}

static void stream_closep(struct xl_stream **f)
{
	if (*f)
		stream_close(&(*f)->sink);
}

static const struct xl_sink_ops stream_ops = {
	.seekable = false,
	.pwrite = stream_pwrite,
	.pread = stream_pread,
	.punch = stream_punch,
	.truncate = stream_truncate,
	.check_space = stream_check_space,
	.commit = stream_commit,
	.close = stream_close,
};

/* Open the pipe once more, so that it need not block: O_NONBLOCK on the caller's description would be
 * seen by everybody who shares it.  Where that cannot be had (no /proc), we write a little at a time. */
static void open_again(struct xl_stream *f)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", f->fd);
	f->own_fd = open(name, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (f->own_fd < 0)
		return;
	f->fd = f->own_fd;
	f->chunk = PIPE_SIZE;
}

static int look_at(struct xl_ctx *x, struct xl_stream *f)
{
	int flags = fcntl(f->fd, F_GETFL);
	struct stat st;

	if (flags < 0 || fstat(f->fd, &st) < 0)
		return stream_fail(x, f, errno);
	if ((flags & O_ACCMODE) == O_RDONLY)
		return stream_fail(x, f, EBADF);
	if (isatty(f->fd))
		return xl_fail(x, XLDUMP_CAUSE_OUTPUT, -ENOTTY,
			       "%s is a terminal; send the dump to a pipe or a file", name_of(f));
	f->regular = S_ISREG(st.st_mode);
	f->chunk = S_ISFIFO(st.st_mode) ? PIPE_CHUNK : OTHER_CHUNK;
	if (S_ISFIFO(st.st_mode) && fcntl(f->fd, F_GETPIPE_SZ) < PIPE_SIZE)
		(void)fcntl(f->fd, F_SETPIPE_SZ, PIPE_SIZE);
	if (S_ISFIFO(st.st_mode))
		open_again(f);
	return 0;
}

int xl_sink_fd_open(struct xl_ctx *x, int fd, struct xl_sink **ret)
{
	_cleanup_(stream_closep) struct xl_stream *f = calloc(1, sizeof(*f));
	uint8_t header[FLAT_HEADER_SIZE] = FLAT_SIGNATURE;
	int r;

	if (!f)
		return xl_err(x, -ENOMEM, "open the output");
	f->sink.ops = &stream_ops;
	f->fd = fd;
	f->own_fd = -1;
	f->to_stdout = fd == STDOUT_FILENO;
	r = look_at(x, f);
	if (r < 0)
		return r;
	xl_put_be64(header + FLAT_TYPE, 1);
	xl_put_be64(header + FLAT_VERSION, 1);
	r = write_one(x, f, header, sizeof(header));
	if (r < 0)
		return r;
	*ret = &XL_TAKE_PTR(f)->sink;
	return 0;
}
