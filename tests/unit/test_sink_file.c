/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file sink: what is there, what is not there yet, and what is said when it cannot be. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sink/file_private.h"

#define SKIP 77

static enum xl_sink_naming naming;
static struct xl_ctx ctx;
static char base[] = "test_sink_file.XXXXXX";
static int home_fd;

/* Every test runs in an empty directory of its own. */
static int setup(void **state)
{
	(void)state;
	memset(&ctx, 0, sizeof(ctx));
	home_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	strcpy(base + sizeof(base) - 7, "XXXXXX");
	return mkdtemp(base) && chmod(base, 0755) == 0 && chdir(base) == 0 ? 0 : -1;
}

static unsigned entries(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	assert_non_null(d);
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return n;
}

static int teardown(void **state)
{
	char cmd[128];

	(void)state;
	if (fchdir(home_fd) < 0)
		return -1;
	close(home_fd);
	(void)snprintf(cmd, sizeof(cmd), "chmod -R u+w %s && rm -rf %s", base, base);
	return system(cmd);
}

static struct xl_sink *open_ok(const char *path, bool overwrite)
{
	struct xl_sink *s = NULL;
	int r = xl_sink_file_open_as(&ctx, path, overwrite, naming, &s);

	if (r < 0)
		print_message("# %s\n", ctx.err);
	assert_int_equal(r, 0);
	return s;
}

static void refused(const char *path, bool overwrite, enum xldump_cause cause, const char *text)
{
	struct xl_sink *s = NULL;

	xl_err_clear(&ctx);
	assert_true(xl_sink_file_open_as(&ctx, path, overwrite, naming, &s) < 0);
	assert_null(s);
	assert_string_equal(ctx.err, text);
	assert_int_equal(ctx.cause, cause);
}

static void make_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void contents_are(const char *path, const char *text)
{
	char buf[256] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_true(fread(buf, 1, sizeof(buf) - 1, f) < sizeof(buf));
	fclose(f);
	assert_string_equal(buf, text);
}

/* ---- each of these runs with every way of naming ---- */

static void test_commit(void **state)
{
	struct xl_sink *s = open_ok("core.img", false);
	uint64_t bytes, disk;
	struct stat st;

	(void)state;
	assert_int_equal(access("core.img", F_OK), -1);
	assert_int_equal(entries("."), naming == XL_SINK_NAMING_BEST ? 0 : 1);
	assert_int_equal(xl_sink_pwrite(&ctx, s, "hello", 5, 0), 0);
	assert_int_equal(xl_sink_commit(&ctx, s, &bytes, &disk), 0);
	xl_sink_close(s);
	contents_are("core.img", "hello");
	assert_int_equal(entries("."), 1);
	assert_int_equal(bytes, 5);
	assert_int_equal(stat("core.img", &st), 0);
	assert_int_equal(disk, st.st_blocks * 512);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_nlink, 1);
}

static void test_abandon(void **state)
{
	struct xl_sink *s = open_ok("core.img", false);

	(void)state;
	assert_int_equal(xl_sink_pwrite(&ctx, s, "hello", 5, 0), 0);
	xl_sink_close(s);
	assert_int_equal(entries("."), 0);
	xl_sink_close(NULL);
}

static void test_umask(void **state)
{
	static const mode_t masks[] = { 0, 0777, 0077 };
	struct stat st;
	uint64_t n;

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(masks); i++) {
		mode_t old = umask(masks[i]);
		struct xl_sink *s = open_ok("f", true);

		umask(old);
		assert_int_equal(xl_sink_commit(&ctx, s, &n, &n), 0);
		xl_sink_close(s);
		assert_int_equal(stat("f", &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
}

static void test_exists(void **state)
{
	(void)state;
	make_file("core.img", "old");
	refused("core.img", false, XLDUMP_CAUSE_EXISTS,
		"core.img exists; use --force to replace it");
	assert_int_equal(entries("."), 1);
	contents_are("core.img", "old");
}

static void test_overwrite(void **state)
{
	struct xl_sink *s;
	uint64_t n;

	(void)state;
	make_file("core.img", "old");
	s = open_ok("core.img", true);
	assert_int_equal(xl_sink_pwrite(&ctx, s, "new", 3, 0), 0);
	contents_are("core.img", "old");
	assert_int_equal(xl_sink_commit(&ctx, s, &n, &n), 0);
	xl_sink_close(s);
	contents_are("core.img", "new");
	assert_int_equal(entries("."), 1);

	/* Abandoned, the old one stays. */
	s = open_ok("core.img", true);
	assert_int_equal(xl_sink_pwrite(&ctx, s, "x", 1, 0), 0);
	xl_sink_close(s);
	contents_are("core.img", "new");
	assert_int_equal(entries("."), 1);
}

static void test_appeared_meanwhile(void **state)
{
	struct xl_sink *s = open_ok("core.img", false);
	uint64_t n = 7;

	(void)state;
	make_file("core.img", "somebody's");
	assert_int_equal(xl_sink_commit(&ctx, s, &n, &n), -EEXIST);
	assert_string_equal(ctx.err, "core.img exists; use --force to replace it");
	assert_int_equal(ctx.cause, XLDUMP_CAUSE_EXISTS);
	assert_int_equal(n, 7);
	xl_sink_close(s);
	contents_are("core.img", "somebody's");
	assert_int_equal(entries("."), 1);
}

static void test_long_name(void **state)
{
	char name[256];
	struct xl_sink *s;
	uint64_t n;

	(void)state;
	memset(name, 'n', 255);
	name[255] = '\0';
	for (int i = 0; i < 2; i++) {
		s = open_ok(name, true);
		assert_int_equal(xl_sink_commit(&ctx, s, &n, &n), 0);
		xl_sink_close(s);
		assert_int_equal(entries("."), 1);
	}
}

/* ---- what cannot be ---- */

static void test_refused(void **state)
{
	char empty[] = "";

	(void)state;
	assert_int_equal(mkdir("dir", 0700), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(symlink("nowhere", "link"), 0);
	make_file("file", "");
	refused("no/core.img", false, XLDUMP_CAUSE_OUTPUT, "no: no such directory");
	refused("file/core.img", false, XLDUMP_CAUSE_OUTPUT, "file is not a directory");
	for (int force = 0; force < 2; force++) {
		refused("dir", force, XLDUMP_CAUSE_OUTPUT,
			"dir is a directory; name a file in it");
		refused("dir/", force, XLDUMP_CAUSE_OUTPUT,
			"dir/ is a directory; name a file in it");
		refused("..", force, XLDUMP_CAUSE_OUTPUT, ".. is a directory; name a file in it");
		refused("/", force, XLDUMP_CAUSE_OUTPUT, "/ is a directory; name a file in it");
		refused("fifo", force, XLDUMP_CAUSE_OUTPUT,
			"fifo is a pipe; a dump is written into a regular file");
		refused("/dev/null", force, XLDUMP_CAUSE_OUTPUT,
			"/dev/null is a device; a dump is written into a regular file");
		refused("link", force, XLDUMP_CAUSE_OUTPUT,
			"link is a symbolic link; a dump is written into a regular file");
	}
	refused(empty, false, XLDUMP_CAUSE_OUTPUT, "the path of the output is empty");
	if (geteuid() == 0)
		refused("/proc/foo", false, XLDUMP_CAUSE_OUTPUT,
			"/proc/foo: file system cannot hold a dump");
	assert_int_equal(entries("."), 4);
	assert_int_equal(entries("dir"), 0);
}

static void test_no_permission(void **state)
{
	bool root = geteuid() == 0;
	struct xl_sink *s = NULL;
	int r;

	(void)state;
	assert_int_equal(mkdir("ro", 0555), 0);
	if (root && seteuid(65534) < 0)
		skip();
	r = xl_sink_file_open_as(&ctx, "ro/core.img", false, naming, &s);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(r, -EACCES);
	assert_int_equal(ctx.cause, XLDUMP_CAUSE_PERMISSION);
	assert_string_equal(ctx.err, "ro/core.img: no permission to create files in ro");
}

/* ---- bytes ---- */

static void test_bytes(void **state)
{
	struct xl_sink *s = open_ok("f", false);
	uint8_t page[4096], buf[8192];
	uint64_t bytes, disk;

	(void)state;
	memset(page, 0xab, sizeof(page));
	for (uint64_t i = 0; i < 64; i++)
		assert_int_equal(xl_sink_pwrite(&ctx, s, page, sizeof(page), i * 4096), 0);
	/* the end of the file inside what is read */
	assert_int_equal(xl_sink_pread(&ctx, s, buf, sizeof(buf), 63 * 4096), 0);
	assert_memory_equal(buf, page, 4096);
	for (size_t i = 4096; i < 8192; i++)
		assert_int_equal(buf[i], 0);
	memset(buf, 1, sizeof(buf));
	assert_int_equal(xl_sink_pread(&ctx, s, buf, 10, (uint64_t)1 << 40), 0);
	assert_int_equal(buf[0] | buf[9], 0);
	assert_int_equal(buf[10], 1);

	assert_int_equal(xl_sink_punch(&ctx, s, 0, 60 * 4096), 0);
	assert_int_equal(xl_sink_punch(&ctx, s, 63 * 4096, 4096 * 100), 0);
	assert_int_equal(xl_sink_pread(&ctx, s, buf, 8192, 59 * 4096), 0);
	for (size_t i = 0; i < 4096; i++)
		assert_int_equal(buf[i], 0);
	assert_memory_equal(buf + 4096, page, 4096);
	assert_int_equal(xl_sink_truncate(&ctx, s, 1 << 20), 0);
	assert_int_equal(xl_sink_commit(&ctx, s, &bytes, &disk), 0);
	assert_int_equal(bytes, 1 << 20);
	assert_in_range(disk, 3 * 4096, 64 * 1024);
	xl_sink_close(s);
}

/* The same without holes. */
static void test_punch_by_hand(void **state)
{
	struct xl_sink *s = open_ok("f", false);
	uint8_t page[4096], buf[4096], zero[4096] = { 0 };
	uint64_t bytes, disk;

	(void)state;
	xl_file_of(s)->no_punch = true;
	memset(page, 0xab, sizeof(page));
	for (uint64_t i = 0; i < 64; i++)
		assert_int_equal(xl_sink_pwrite(&ctx, s, page, sizeof(page), i * 4096), 0);
	assert_int_equal(xl_sink_punch(&ctx, s, 4096, 40 * 4096), 0);
	assert_int_equal(xl_sink_punch(&ctx, s, 63 * 4096, 1ULL << 40), 0);
	for (uint64_t i = 0; i < 64; i++) {
		assert_int_equal(xl_sink_pread(&ctx, s, buf, sizeof(buf), i * 4096), 0);
		assert_memory_equal(buf, (i >= 1 && i <= 40) || i == 63 ? zero : page, 4096);
	}
	assert_int_equal(xl_sink_commit(&ctx, s, &bytes, &disk), 0);
	assert_int_equal(bytes, 64 * 4096);
	xl_sink_close(s);
}

static void test_no_room(void **state)
{
	struct xl_sink *s = open_ok("f", false);

	(void)state;
	assert_int_equal(xl_sink_check_space(&ctx, s, 1), 0);
	assert_int_equal(xl_sink_check_space(&ctx, s, UINT64_MAX), -ENOSPC);
	assert_int_equal(ctx.cause, XLDUMP_CAUSE_NO_SPACE);
	assert_non_null(strstr(ctx.err, "f: may need 17592186044416 MiB, and the file system"));
	assert_non_null(strstr(ctx.err, "give a file on another one"));
	xl_sink_close(s);
}

static void test_file_too_large(void **state)
{
	struct rlimit old, small = { 8192, RLIM_INFINITY };
	struct xl_sink *s = open_ok("f", false);
	char page[4096] = "x";
	int r;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(xl_sink_pwrite(&ctx, s, page, sizeof(page), 4096), 0);
	r = xl_sink_pwrite(&ctx, s, page, sizeof(page), 8192 - 100);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(ctx.cause, XLDUMP_CAUSE_OUTPUT);
	assert_non_null(strstr(ctx.err, "ulimit -f"));
	xl_sink_close(s);
	assert_int_equal(entries("."), 0);
}

/* ---- file systems of our own, in a child: there it is root of a mount namespace ---- */

static int full_file_system(void)
{
	static char chunk[1 << 20];
	struct xl_sink *s = NULL;
	int r = 0;

	if (mount("none", "mnt", "tmpfs", 0, "size=4m") < 0)
		return SKIP;
	if (xl_sink_file_open_as(&ctx, "mnt/f", false, naming, &s) < 0)
		return 1;
	memset(chunk, 1, sizeof(chunk));
	if (xl_sink_check_space(&ctx, s, 8 << 20) != -ENOSPC)
		return 2;
	xl_err_clear(&ctx);
	for (uint64_t i = 0; i < 8 && r == 0; i++)
		r = xl_sink_pwrite(&ctx, s, chunk, sizeof(chunk), i * sizeof(chunk));
	if (r != -ENOSPC || ctx.cause != XLDUMP_CAUSE_NO_SPACE ||
	    !strstr(ctx.err, "mnt/f: cannot write: no space left on the file system; make room"))
		return 3;
	xl_sink_close(s);
	return entries("mnt") == 0 ? 0 : 4;
}

static int read_only_file_system(void)
{
	struct xl_sink *s = NULL;

	if (mount("none", "mnt", "tmpfs", MS_RDONLY, "size=4m") < 0)
		return SKIP;
	if (xl_sink_file_open_as(&ctx, "mnt/f", false, naming, &s) != -EROFS)
		return 1;
	if (ctx.cause != XLDUMP_CAUSE_OUTPUT ||
	    strcmp(ctx.err, "mnt/f: cannot create: the file system is read-only"))
		return 2;
	return 0;
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(SKIP);
	close(fd);
}

/* Root of a user namespace, which may mount. */
static void become_root(void)
{
	char uid[32], gid[32];

	(void)snprintf(uid, sizeof(uid), "0 %u 1", (unsigned)geteuid());
	(void)snprintf(gid, sizeof(gid), "0 %u 1", (unsigned)getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		_exit(SKIP);
	write_text("/proc/self/setgroups", "deny");
	write_text("/proc/self/uid_map", uid);
	write_text("/proc/self/gid_map", gid);
}

static void in_namespace(int (*f)(void))
{
	int status;
	pid_t pid;

	assert_int_equal(mkdir("mnt", 0755), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0)
			become_root();
		if (mount("none", "/", "", MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(SKIP);
		_exit(f());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIP)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_full(void **state)
{
	(void)state;
	in_namespace(full_file_system);
}

static void test_read_only(void **state)
{
	(void)state;
	in_namespace(read_only_file_system);
}

static int best(void **state)
{
	naming = XL_SINK_NAMING_BEST;
	return setup(state);
}

static int partial(void **state)
{
	naming = XL_SINK_NAMING_PARTIAL;
	return setup(state);
}

static int by_link(void **state)
{
	naming = XL_SINK_NAMING_LINK;
	return setup(state);
}

static int plain(void **state)
{
	naming = XL_SINK_NAMING_PLAIN;
	return setup(state);
}

#define T(name, way) { #name " (" #way ")", name, way, teardown, NULL }
#define EACH(name) T(name, best), T(name, partial), T(name, by_link), T(name, plain)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_commit),
		EACH(test_abandon),
		EACH(test_umask),
		EACH(test_exists),
		EACH(test_overwrite),
		EACH(test_appeared_meanwhile),
		EACH(test_long_name),
		EACH(test_refused),
		EACH(test_no_permission),
		EACH(test_full),
		EACH(test_read_only),
		T(test_bytes, best),
		T(test_punch_by_hand, best),
		T(test_no_room, best),
		T(test_file_too_large, best),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
