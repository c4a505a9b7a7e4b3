/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps into pipes: what a reader puts together again, and readers that are slow or go away. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "elf_guest.h"
#include "format/formats.h"
#include "../readers/kdump.h"

/* Reads a pipe to its end, or up to some bytes and then goes. */
struct reader {
	int fd;
	size_t limit;
	unsigned char *data;
	size_t len;
	pthread_t thread;
};

static void *reader_main(void *arg)
{
	struct reader *r = arg;
	ssize_t n = 1;

	while (n > 0 && r->len < r->limit) {
		r->data = realloc(r->data, r->len + 65536);
		n = read(r->fd, r->data + r->len, 65536);
		r->len += n > 0 ? (size_t)n : 0;
	}
	close(r->fd);
	return NULL;
}

static int reader_start(struct reader *r, size_t limit)
{
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	*r = (struct reader){ .fd = fd[0], .limit = limit };
	assert_int_equal(pthread_create(&r->thread, NULL, reader_main, r), 0);
	return fd[1];
}

static uint64_t be64(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

/* crash, reading the stream itself, shows old bytes where a record covers a part of an older one. */
static void assert_records_replace(const unsigned char *data, size_t len)
{
	bool *seen = calloc(1 << 16, sizeof(*seen)); /* a record of this page of the file */
	uint64_t offset, size;

	for (size_t at = 4096; at + 16 <= len; at += 16 + size) {
		offset = be64(data + at);
		size = be64(data + at + 8);
		if (offset == UINT64_MAX)
			break;
		assert_in_range(size, 1, 4096 - offset % 4096);
		assert_true(offset / 4096 < 1 << 16);
		if (size == 4096)
			seen[offset / 4096] = true;
		else /* headers and notes, once */
			assert_false(seen[offset / 4096]);
	}
	free(seen);
}

/* What the stream holds; the caller frees it. */
static unsigned char *reader_end(struct reader *r, int fd, bool strict, uint64_t *ret_size)
{
	char error[256];
	unsigned char *file;

	close(fd);
	pthread_join(r->thread, NULL);
	if (!strict)
		assert_records_replace(r->data, r->len);
	file = flat_read(r->data, r->len, strict, ret_size, error);
	free(r->data);
	if (!file)
		fail_msg("%s", error);
	return file;
}

static void open_into(struct guest *g, int fd, enum xldump_format format)
{
	const struct xl_format_params params = { .format = format, .threads = 2 };

	assert_int_equal(xl_sink_fd_open(&g->ctx, fd, &g->sink), 0);
	guest_open_as(g, &params);
}

/* Many rounds, ballooning, pages that are put again: as with a file, without a byte twice. */
static void test_kdump(void **state)
{
	struct guest *g = guest_new(6000, 2);
	struct reader reader;
	struct kdump k;
	unsigned char *file;
	uint64_t size;
	int fd = reader_start(&reader, SIZE_MAX);

	(void)state;
	guest_ram(g, 0, 4000);
	open_into(g, fd, XLDUMP_FORMAT_KDUMP);
	guest_put_all(g, 5);
	for (uint32_t i = 0; i < 9000; i++)
		guest_put(g, i % 3000, i % 4 ? i + 2 : 0);
	for (xl_pfn_t pfn = 4000; pfn < 6000; pfn++) {
		xl_bitmap_set(&g->cut.present, pfn);
		xl_bitmap_clear(&g->cut.present, pfn - 3500);
		guest_put(g, pfn, 9);
	}
	guest_seal(g);
	file = reader_end(&reader, fd, true, &size);
	if (kdump_open(&k, file, size) < 0)
		fail_msg("%s", k.error);
	for (xl_pfn_t pfn = 0; pfn < 6000; pfn++) {
		uint8_t want[4096], got[4096];

		assert_int_equal(kdump_has(&k, pfn), xl_bitmap_test(&g->cut.present, pfn));
		if (!kdump_has(&k, pfn))
			continue;
		guest_page(pfn, g->version[pfn], want);
		assert_int_equal(kdump_page(&k, pfn, got), 0);
		if (memcmp(want, got, sizeof(got)) != 0)
			fail_msg("a page differs");
	}
	kdump_close(&k);
	free(file);
	guest_free(g);
}

/* The same file as one that is written at once, where later records replace earlier ones. */
static void test_elf(void **state)
{
	unsigned char *file[2] = { NULL, NULL };
	uint64_t size[2], pages;

	(void)state;
	for (int piped = 0; piped < 2; piped++) {
		struct guest *g = guest_new(3000, 2);
		struct reader reader;
		int fd = reader_start(&reader, SIZE_MAX);

		guest_ram(g, 0, 2000);
		guest_ram(g, 2500, 500);
		if (piped)
			open_into(g, fd, XLDUMP_FORMAT_ELF);
		else
			guest_open(g, false);
		guest_put_all(g, 3);
		for (uint32_t i = 0; i < 3000; i++)
			guest_put(g, i * 7 % 2000, i % 4 ? i + 2 : 0);
		/* one that came and went */
		guest_put(g, 2200, 1);
		guest_seal(g);
		if (piped) {
			file[1] = reader_end(&reader, fd, false, &size[1]);
		} else {
			int in = open(GUEST_FILE, O_RDONLY);

			size[0] = g->file_bytes;
			file[0] = malloc(size[0]);
			assert_int_equal(read(in, file[0], size[0]), size[0]);
			close(in);
			close(fd);
			pthread_join(reader.thread, NULL);
			free(reader.data);
		}
		guest_free(g);
	}
	/* Digests take a look back, so a pipe gets none, and the file is shorter by them; program
	 * headers, notes and pages are the same, from behind the ELF header on. */
	pages = xl_get_le64(file[0] + 64 + 56 + 8);
	assert_in_range(size[0] - size[1], 2500 * 8, 2500 * 8 + 256);
	assert_memory_equal(file[0] + 64, file[1] + 64, pages + 2500 * 4096 - 64);
	free(file[0]);
	free(file[1]);
}

/* What would have to be moved is said, with the way out. */
static void test_elf_moves(void **state)
{
	struct guest *g = guest_new(100, 1);
	struct reader reader;
	int fd = reader_start(&reader, SIZE_MAX);

	(void)state;
	guest_ram(g, 0, 50);
	open_into(g, fd, XLDUMP_FORMAT_ELF);
	guest_put_all(g, 0);
	guest_put(g, 70, 1);
	xl_bitmap_set(&g->cut.present, 70);
	assert_int_equal(xl_format_seal(&g->ctx, g->format, &g->cut), -ESPIPE);
	assert_int_equal(g->ctx.cause, XLDUMP_CAUSE_OUTPUT);
	assert_non_null(strstr(g->ctx.err, "--format=kdump"));
	guest_free(g);
	close(fd);
	pthread_join(reader.thread, NULL);
	free(reader.data);
}

/* A reader that goes after some bytes: at once, in the pages, near the end. */
static void test_reader_goes(void **state)
{
	static const size_t after[] = { 0, 1, 4096, 100000, 3000000 };

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(after); i++) {
		const struct xl_format_params params = {
			.format = XLDUMP_FORMAT_KDUMP, .codec = XLDUMP_CODEC_NONE, .threads = 1
		};
		struct guest *g = guest_new(4000, 1);
		struct xl_layout layout = { .nr_pfns = g->nr_pfns,
					    .present = &g->layout,
					    .vcpus = 1 };
		uint64_t bytes, disk;
		uint8_t page[4096];
		struct reader reader;
		sigset_t pending;
		int fd = reader_start(&reader, after[i]), r;

		if (!after[i])
			pthread_join(reader.thread, NULL);
		guest_ram(g, 0, 4000);
		r = xl_sink_fd_open(&g->ctx, fd, &g->sink);
		if (r == 0)
			r = xl_format_open(&g->ctx, &layout, g->sink, &params, &g->format);
		for (xl_pfn_t pfn = 0; r == 0 && pfn < 4000; pfn++) {
			guest_page(pfn, 1, page);
			r = xl_format_put(&g->ctx, g->format, pfn, page);
		}
		if (r == 0)
			r = xl_format_seal(&g->ctx, g->format, &g->cut);
		if (r == 0)
			r = xl_sink_commit(&g->ctx, g->sink, &bytes, &disk);
		assert_int_equal(r, -EPIPE);
		assert_int_equal(g->ctx.cause, XLDUMP_CAUSE_OUTPUT);
		assert_non_null(strstr(g->ctx.err, "has exited"));
		sigpending(&pending);
		assert_false(sigismember(&pending, SIGPIPE));
		if (after[i])
			pthread_join(reader.thread, NULL);
		free(reader.data);
		close(fd);
		guest_free(g);
	}
}

/* A reader that does not read, and a caller who then wants to stop. */
static volatile int cancel;

static void on_alarm(int sig)
{
	(void)sig;
	cancel = 1;
}

static void test_stalled_reader(void **state)
{
	static uint8_t bytes[1 << 20];
	struct sigaction a = { .sa_handler = on_alarm };
	struct xl_ctx x = { .cancel = &cancel };
	struct xl_sink *sink;
	int fd[2], r = 0;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(xl_sink_fd_open(&x, fd[1], &sink), 0);
	sigaction(SIGALRM, &a, NULL);
	alarm(1);
	for (uint64_t at = 0; r == 0 && at < 64 << 20; at += sizeof(bytes))
		r = xl_sink_pwrite(&x, sink, bytes, sizeof(bytes), at);
	assert_int_equal(r, -ECANCELED);
	assert_int_equal(x.cause, XLDUMP_CAUSE_CANCELLED);
	xl_sink_close(sink);
	close(fd[0]);
	close(fd[1]);
}

static void refused(int fd, int r, const char *why)
{
	struct xl_ctx x = { 0 };
	struct xl_sink *sink = NULL;

	assert_int_equal(xl_sink_fd_open(&x, fd, &sink), r);
	assert_null(sink);
	assert_int_equal(x.cause, XLDUMP_CAUSE_OUTPUT);
	assert_non_null(strstr(x.err, why));
}

static void test_refused(void **state)
{
	int fd[2], tty = posix_openpt(O_RDWR | O_NOCTTY);

	(void)state;
	if (tty >= 0) {
		refused(tty, -ENOTTY, "is a terminal");
		close(tty);
	}
	assert_int_equal(pipe(fd), 0);
	refused(fd[0], -EBADF, "cannot write");
	close(fd[0]);
	refused(fd[1], -EPIPE, "has exited");
	close(fd[1]);
	refused(fd[1], -EBADF, "cannot write");
}

/* The end of a stream that is none is noticed: that is what the end record is for. */
static void test_cut_off(void **state)
{
	struct guest *g = guest_new(100, 1);
	struct reader reader;
	char error[256];
	uint64_t size;
	int fd = reader_start(&reader, SIZE_MAX);

	(void)state;
	guest_ram(g, 0, 100);
	open_into(g, fd, XLDUMP_FORMAT_KDUMP);
	guest_put_all(g, 0);
	assert_int_equal(xl_format_seal(&g->ctx, g->format, &g->cut), 0);
	guest_free(g);
	close(fd);
	pthread_join(reader.thread, NULL);
	assert_null(flat_read(reader.data, reader.len, true, &size, error));
	assert_string_equal(error, "no end record");
	free(reader.data);
}

/* Into a file that somebody else has opened: the same stream. */
static void test_regular_file(void **state)
{
	struct guest *g = guest_new(500, 1);
	unsigned char *stream, *file;
	char error[256];
	uint64_t size;
	int fd = open("stream", O_RDWR | O_CREAT, 0600);

	(void)state;
	guest_ram(g, 0, 500);
	open_into(g, fd, XLDUMP_FORMAT_KDUMP);
	guest_put_all(g, 0);
	guest_seal(g);
	assert_int_equal(lseek(fd, 0, SEEK_END), g->file_bytes);
	stream = malloc(g->file_bytes);
	assert_int_equal(pread(fd, stream, g->file_bytes, 0), g->file_bytes);
	file = flat_read(stream, g->file_bytes, true, &size, error);
	assert_non_null(file);
	assert_true(kdump_is(file, size));
	free(file);
	free(stream);
	close(fd);
	unlink("stream");
	guest_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kdump),	      cmocka_unit_test(test_elf),
		cmocka_unit_test(test_elf_moves),     cmocka_unit_test(test_reader_goes),
		cmocka_unit_test(test_stalled_reader), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut_off),	      cmocka_unit_test(test_regular_file),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, guest_folder_enter, guest_folder_leave);
}
