/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Undo journals: what is done for a dead dump, and for which not. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "hv/recover.h"
#include "hv/undo_private.h"
#include "sink/file_private.h"
#include "undo_case.h"

/* A journal with these flags, of a process that is dead.  Its name in `ret`. */
static void make_journal(uint32_t flags, char ret[XL_UNDO_NAME_MAX + 80])
{
	struct dirent *e;
	DIR *d;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct xl_ctx x = { 0 };
		struct xl_undo *u;

		if (xl_undo_open(&x, undo_dir, FAKE_DOMID, guest->dom.uuid, &u) < 0)
			_exit(1);
		xl_undo_update(u, 0, flags);
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(wait_child(pid), SIGKILL);
	d = opendir(undo_dir);
	while ((e = readdir(d))) {
		if (xl_undo_is_journal(e->d_name))
			(void)snprintf(ret, XL_UNDO_NAME_MAX + 80, "%s/%.79s", undo_dir, e->d_name);
	}
	(void)closedir(d);
}

static void test_one_unpause(void **state)
{
	char name[XL_UNDO_NAME_MAX + 80];

	(void)state;
	fake_guest_reset(guest, 3);
	make_journal(XL_UNDO_PAUSED | XL_UNDO_PAUSED_BEFORE, name);
	assert_int_equal(undo_recover(0), 1);
	assert_int_equal(guest->pauses, 2);
	assert_non_null(strstr(said, "domain 23 (abcdef01-0203-0405-0607-08090a0b0c0d) by process"));
	assert_non_null(strstr(said, "was cut short: unpaused it"));
	assert_int_equal(undo_recover(0), 0);
	assert_int_equal(guest->pauses, 2);
}

static void test_two_recoverers(void **state)
{
	char name[XL_UNDO_NAME_MAX + 80];
	pid_t pid[4];

	(void)state;
	fake_guest_reset(guest, 3);
	guest->slow_unpause = true;
	make_journal(XL_UNDO_PAUSED, name);
	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			struct xl_ctx x = { 0 };

			_exit(xl_recover(&x, fake_hv(guest), undo_dir, NULL) < 0);
		}
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(wait_child(pid[i]), 0);
	assert_int_equal(guest->unpauses, 1);
	assert_int_equal(guest->pauses, 2);
}

static void test_ambiguous(void **state)
{
	static const struct {
		uint32_t flags;
		int before, after;
	} t[] = {
		{ XL_UNDO_PAUSE_MAYBE, 0, 0 },
		{ XL_UNDO_PAUSE_MAYBE, 1, 0 },
		{ XL_UNDO_PAUSE_MAYBE | XL_UNDO_PAUSED_BEFORE, 0, 0 },
		{ XL_UNDO_PAUSE_MAYBE | XL_UNDO_PAUSED_BEFORE, 1, 1 },
		{ XL_UNDO_PAUSE_MAYBE | XL_UNDO_PAUSED_BEFORE, 2, 2 },
		{ XL_UNDO_PAUSED, 0, 0 },
	};
	char name[XL_UNDO_NAME_MAX + 80];

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(t); i++) {
		fake_guest_reset(guest, t[i].before);
		make_journal(t[i].flags, name);
		(void)undo_recover(0);
		assert_int_equal(guest->pauses, t[i].after);
		assert_int_equal(undo_entries(undo_dir, false), 0);
	}
}

/* Another domain by now, or none: not touched. */
static void test_reused_domid(void **state)
{
	const uint32_t all = XL_UNDO_PAUSED | XL_UNDO_LOG | XL_UNDO_DM_LOG;
	char name[XL_UNDO_NAME_MAX + 80];

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct xl_domain dom = guest->dom;

		fake_guest_reset(guest, 1);
		guest->log_on = guest->dm_on = true;
		make_journal(all, name);
		if (i == 0)
			guest->dom.uuid[15]++;
		else if (i == 1)
			guest->dom.domid++;
		else
			guest->dom.dying = true;
		assert_int_equal(undo_recover(0), 1);
		assert_non_null(strstr(said, "the domain does not exist any more"));
		assert_int_equal(undo_entries(undo_dir, false), 0);
		assert_int_equal(guest->pauses, 1);
		assert_true(guest->log_on && guest->dm_on);
		guest->dom = dom;
	}
}

static void edit(const char *name, void (*change)(struct xl_undo_record *rec))
{
	static struct xl_undo_record rec;
	int fd = open(name, O_RDWR);

	assert_int_equal(pread(fd, &rec, sizeof(rec), 0), sizeof(rec));
	change(&rec);
	rec.check = xl_undo_checksum(&rec);
	assert_int_equal(pwrite(fd, &rec, sizeof(rec), 0), sizeof(rec));
	(void)close(fd);
}

static void other_boot(struct xl_undo_record *rec)
{
	rec->boot[0] ^= 1;
}

static void other_domain(struct xl_undo_record *rec)
{
	rec->domid = FAKE_DOMID + 1;
}

static void both_flags(struct xl_undo_record *rec)
{
	atomic_store(&rec->owed, xl_undo_pack(XL_UNDO_PAUSED | XL_UNDO_PAUSE_MAYBE));
}

static void unknown_flag(struct xl_undo_record *rec)
{
	atomic_store(&rec->owed, xl_undo_pack(XL_UNDO_PAUSED | 1 << 12));
}

static void foreign_file(struct xl_undo_record *rec)
{
	atomic_store(&rec->owed, xl_undo_pack(XL_UNDO_PAUSED | XL_UNDO_PARTIAL));
	(void)snprintf(rec->partial_dir, sizeof(rec->partial_dir), "/etc");
	(void)snprintf(rec->partial, sizeof(rec->partial), "passwd");
}

/* The host was booted anew: the domain of that number is another one. */
static void test_other_boot(void **state)
{
	char name[XL_UNDO_NAME_MAX + 80];

	(void)state;
	fake_guest_reset(guest, 1);
	make_journal(XL_UNDO_PAUSED, name);
	edit(name, other_boot);
	(void)undo_recover(0);
	assert_int_equal(guest->pauses, 1);
	assert_int_equal(undo_entries(undo_dir, false), 0);
}

/* It is set aside and said so, once, and nothing else happens. */
static void is_broken(const char *name, const char *why)
{
	char aside[XL_UNDO_NAME_MAX + 100];

	assert_int_equal(undo_recover(0), 0);
	if (!strstr(said, why))
		fail_msg("said `%s', not `%s'", said, why);
	assert_int_equal(guest->pauses, 1);
	assert_int_equal(guest->step, 0);
	assert_int_equal(undo_entries(undo_dir, true), 0);
	(void)undo_recover(0);
	assert_string_equal(said, "");
	(void)snprintf(aside, sizeof(aside), "%s" XL_UNDO_BROKEN, name);
	assert_int_equal(unlink(aside), 0);
}

static void test_damaged(void **state)
{
	static const struct {
		void (*change)(struct xl_undo_record *rec);
		const char *why;
	} t[] = {
		{ other_domain, "not what its name says" },
		{ both_flags, "contradicts itself" },
		{ unknown_flag, "contradicts itself" },
		{ foreign_file, "does not belong to a dump" },
	};
	static const off_t size[] = { 0, 1, 100, sizeof(struct xl_undo_record) - 1,
				      sizeof(struct xl_undo_record) + 1 };
	char name[XL_UNDO_NAME_MAX + 80];

	(void)state;
	fake_guest_reset(guest, 1);
	for (size_t i = 0; i < XL_ARRAY_SIZE(t); i++) {
		make_journal(XL_UNDO_PAUSED, name);
		edit(name, t[i].change);
		is_broken(name, t[i].why);
	}
	for (size_t i = 0; i < XL_ARRAY_SIZE(size); i++) {
		make_journal(XL_UNDO_PAUSED, name);
		assert_int_equal(truncate(name, size[i]), 0);
		is_broken(name, "wrong size");
	}
	/* Every single byte that matters. */
	for (size_t i = 0; i < offsetof(struct xl_undo_record, partial_dev); i++) {
		char c;
		int fd;

		if (i >= offsetof(struct xl_undo_record, owed) + sizeof(uint32_t))
			break; /* padding */
		make_journal(XL_UNDO_PAUSED, name);
		fd = open(name, O_RDWR);
		assert_int_equal(pread(fd, &c, 1, (off_t)i), 1);
		c ^= 1 << (i % 8);
		assert_int_equal(pwrite(fd, &c, 1, (off_t)i), 1);
		(void)close(fd);
		is_broken(name, "");
	}
}

static void test_cap(void **state)
{
	struct xl_ctx x = { 0 };
	struct xl_undo *u;

	(void)state;
	fake_guest_reset(guest, 0);
	guest->cap = 10;
	assert_int_equal(xl_undo_open(&x, undo_dir, FAKE_DOMID, guest->dom.uuid, &u), 0);
	xl_undo_cap(u, 150);
	xl_undo_close(u);
	assert_int_equal(undo_recover(0), 1);
	assert_int_equal(guest->cap, 150);
}

/* What is no file of ours at all. */
static void test_strange(void **state)
{
	char name[XL_UNDO_NAME_MAX + 80], link[XL_UNDO_NAME_MAX + 100];

	(void)state;
	fake_guest_reset(guest, 1);
	make_journal(XL_UNDO_PAUSED, name);
	(void)snprintf(link, sizeof(link), "%s/elsewhere", undo_top);
	assert_int_equal(rename(name, link), 0);
	assert_int_equal(symlink(link, name), 0);
	is_broken(name, "not a regular file");
	assert_int_equal(mkfifo(name, 0600), 0);
	is_broken(name, "not a regular file");
	(void)unlink(link);

	assert_int_equal(chmod(undo_dir, 0770), 0);
	(void)undo_recover(-EPERM);
	assert_int_equal(chmod(undo_dir, 0700), 0);
}

static void test_living(void **state)
{
	struct xl_ctx x = { 0 };
	struct xl_undo *u, *v;

	(void)state;
	fake_guest_reset(guest, 1);
	assert_int_equal(xl_undo_open(&x, undo_dir, FAKE_DOMID, guest->dom.uuid, &u), 0);
	assert_int_equal(xl_undo_open(&x, undo_dir, FAKE_DOMID, guest->dom.uuid, &v), 0);
	xl_undo_update(u, 0, XL_UNDO_PAUSED);
	assert_int_equal(undo_recover(0), 0);
	assert_int_equal(guest->pauses, 1);
	assert_int_equal(undo_entries(undo_dir, true), 2);
	assert_false(xl_undo_log_has_other_owner(u));
	xl_undo_update(v, 0, XL_UNDO_LOG);
	assert_true(xl_undo_log_has_other_owner(u));
	assert_false(xl_undo_log_has_other_owner(v));
	xl_undo_update(u, XL_UNDO_PAUSED, 0);
	xl_undo_close(u);
	assert_int_equal(undo_entries(undo_dir, true), 1);
	/* What it could not undo itself stays for the next. */
	xl_undo_close(v);
	guest->log_on = true;
	assert_int_equal(undo_recover(0), 1);
	assert_false(guest->log_on);
	xl_undo_close(NULL);
	xl_undo_update(NULL, 0, XL_UNDO_PAUSED);
}

/* A dead dump's log, which a living one has by now. */
static void test_log_of_another(void **state)
{
	char name[XL_UNDO_NAME_MAX + 80];
	struct xl_ctx x = { 0 };
	struct xl_undo *u;

	(void)state;
	fake_guest_reset(guest, 0);
	guest->log_on = true;
	make_journal(XL_UNDO_LOG, name);
	assert_int_equal(xl_undo_open(&x, undo_dir, FAKE_DOMID, guest->dom.uuid, &u), 0);
	assert_int_equal(xl_undo_log_begin(&x, u), 0);
	xl_undo_log_end(u, true);
	(void)undo_recover(0);
	assert_true(guest->log_on);
	assert_non_null(strstr(said, "left log-dirty mode to another dump"));
	xl_undo_update(u, XL_UNDO_LOG, 0);
	xl_undo_close(u);
}

static void test_unwritable(void **state)
{
	struct xl_ctx x = { 0 };
	struct xl_undo *u = NULL;
	char path[128];
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/file", undo_top);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	(void)close(fd);
	(void)snprintf(path, sizeof(path), "%s/file/undo", undo_top);
	assert_true(xl_undo_open(&x, path, FAKE_DOMID, guest->dom.uuid, &u) < 0);
	assert_null(u);
	assert_int_equal(x.cause, XLDUMP_CAUSE_OUTPUT);
	assert_non_null(strstr(x.err, path));
	(void)snprintf(path, sizeof(path), "%s/file", undo_top);
	(void)unlink(path);
}

/* The unfinished file of a dead dump goes, and nothing else. */
static void test_partial(void **state)
{
	char path[128], other[128];
	pid_t pid;
	int fd;

	(void)state;
	fake_guest_reset(guest, 0);
	(void)snprintf(path, sizeof(path), "%s/out", undo_top);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(other, sizeof(other), "%s/out/.core.partial-aaaaaa", undo_top);
	fd = open(other, O_CREAT | O_WRONLY, 0600);
	(void)close(fd);
	(void)snprintf(path, sizeof(path), "%s/out/core", undo_top);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct xl_ctx x = { 0 };
		struct xl_sink *s;

		if (xl_undo_open(&x, undo_dir, FAKE_DOMID, guest->dom.uuid, &x.undo) < 0 ||
		    xl_sink_file_open_as(&x, path, false, XL_SINK_NAMING_PARTIAL, &s) < 0 ||
		    xl_sink_pwrite(&x, s, "secret", 6, 0) < 0)
			_exit(1);
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(wait_child(pid), SIGKILL);
	(void)snprintf(path, sizeof(path), "%s/out", undo_top);
	assert_int_equal(undo_entries(path, false), 2);
	assert_int_equal(undo_recover(0), 1);
	assert_non_null(strstr(said, "removed "));
	assert_int_equal(undo_entries(path, false), 1);
	assert_int_equal(access(other, F_OK), 0);
	(void)unlink(other);
	(void)rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_unpause),
		cmocka_unit_test(test_two_recoverers),
		cmocka_unit_test(test_ambiguous),
		cmocka_unit_test(test_reused_domid),
		cmocka_unit_test(test_other_boot),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_strange),
		cmocka_unit_test(test_living),
		cmocka_unit_test(test_log_of_another),
		cmocka_unit_test(test_unwritable),
		cmocka_unit_test(test_partial),
	};

	return cmocka_run_group_tests_name("undo", tests, undo_setup, undo_teardown);
}
