/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Somebody takes the dirty log away during a dump: at every moment, in several ways. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_dump.h"
#include "hv/recover.h"
#include "hv/saver.h"
#include "hv/undo_private.h"

/* Its own: tests run side by side, and all of them see in /proc a process that saves this domain. */
#define DOMID 29

static char top[64], dir[80];
static struct fake_guest *guest;
static uint64_t dropped;      /* pages that the thief made the log forget */

/* Steps until the log has been on and fetched for the first time. */
#define FIRST_LOOK 16
/* Pages that the guest dirties between a look at the log and the fetch. */
#define UNSEEN 1
/* Steps from the end of the last fetch on: asking whether the log is on, switching it off. */
#define AFTER_LAST_LOOK 4

/* As xc_domain_save() does it: off, on.  The count stays. */
static void off_and_on(struct fake_guest *g)
{
	dropped = (uint64_t)__builtin_popcountll(g->dirty);
	g->dirty = 0;
	g->log_on = true;
}

/* Without taking it over first, which nobody does: the counts agree again, and only a look just
 * before and one just after can tell. */
static void fetched(struct fake_guest *g)
{
	dropped = (uint64_t)__builtin_popcountll(g->dirty);
	g->dirty = g->dirty_count = 0;
}

static void save_complete(struct fake_guest *g)
{
	dropped = (uint64_t)__builtin_popcountll(g->dirty);
	g->dirty = g->dirty_count = 0;
	g->log_on = false;
}

/* Let it happen at every step of a dump; counts by how it went. */
static void sweep(const char *what, void (*act)(struct fake_guest *g), bool holds, bool sure)
{
	static struct fake_dump d;
	long exact = 0, told = 0, torn = 0, steps;

	fake_guest_reset(guest, 0);
	fake_dump(guest, dir, XLDUMP_STRATEGY_PRECOPY, &d);
	assert_int_equal(d.r, 0);
	assert_memory_equal(d.page, guest->at_cut, sizeof(d.page));
	steps = guest->step;
	for (long n = 1; n <= steps; n++) {
		dropped = 0;
		fake_guest_reset(guest, 0);
		guest->act = act;
		guest->act_at = n;
		fake_dump(guest, dir, XLDUMP_STRATEGY_PRECOPY, &d);
		assert_int_equal(guest->pauses, 0);
		if (d.r == 0) {
			if (memcmp(d.page, guest->at_cut, sizeof(d.page)) == 0)
				exact++;
			else if (torn++, sure && dropped > UNSEEN)
				fail_msg("%s at step %ld: the dump is torn, and nobody noticed", what,
					 n);
			/* The log is only switched off under a thief who had dropped too little, or
			 * who came before the first look or after the last one. */
			if (holds && !guest->log_on && dropped > UNSEEN && n > FIRST_LOOK &&
			    n < steps - AFTER_LAST_LOOK)
				fail_msg("%s at step %ld: its log was switched off", what, n);
			continue;
		}
		told++;
		assert_int_equal(d.r, -EBUSY);
		assert_int_equal(d.cause, XLDUMP_CAUSE_BUSY);
		if (holds)
			assert_true(guest->log_on);
	}
	print_message("# %s, at each of %ld steps: %ld dumps said so, %ld were exact, %ld torn\n",
		      what, steps, told, exact, torn);
	assert_true(told > (sure ? steps / 4 : 0));
}

static void test_off_and_on(void **state)
{
	(void)state;
	sweep("off and on", off_and_on, true, true);
}

static void test_fetched(void **state)
{
	(void)state;
	sweep("fetched by another", fetched, false, false);
}

static void test_save_complete(void **state)
{
	(void)state;
	sweep("a whole save", save_complete, false, true);
}

/* ---- a save that is seen by its process ---- */

static pid_t start_saver(void)
{
	char c, domid[16], self[4096] = "";
	int fd[2];
	pid_t pid;

	/* By its name: valgrind is behind the link. */
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	(void)snprintf(domid, sizeof(domid), "%d", DOMID);
	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(fd[1], 3);
		(void)execl(self, "/usr/lib/xen/bin/libxl-save-helper", "--save-domain",
			    "3", "-1", domid, "0", NULL);
		_exit(1);
	}
	(void)close(fd[1]);
	assert_int_equal(read(fd[0], &c, 1), 1);
	(void)close(fd[0]);
	return pid;
}

static void stop_saver(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static void test_saver(void **state)
{
	static struct fake_dump d;
	pid_t pid = start_saver();

	(void)state;
	assert_int_equal(xl_saver_find("/proc", DOMID), pid);
	assert_int_equal(xl_saver_find("/proc", DOMID + 1), 0);
	assert_int_equal(xl_saver_find("/nowhere", DOMID), 0);
	fake_guest_reset(guest, 0);
	fake_dump(guest, dir, XLDUMP_STRATEGY_PRECOPY, &d);
	assert_int_equal(d.cause, XLDUMP_CAUSE_BUSY);
	assert_non_null(strstr(d.err, "is being saved or migrated (process "));
	assert_false(guest->log_on);
	/* It does not need the log to be stopped. */
	fake_guest_reset(guest, 0);
	fake_dump(guest, dir, XLDUMP_STRATEGY_STOP, &d);
	assert_int_equal(d.r, 0);
	stop_saver(pid);
	assert_int_equal(xl_saver_find("/proc", DOMID), 0);
}

static pid_t saver;

static void begin_save(struct fake_guest *g)
{
	saver = start_saver();
	off_and_on(g);
}

/* It begins in the middle and does not end: noticed whatever the counts say, and its log stays. */
static void test_saver_begins(void **state)
{
	static struct fake_dump d;
	long steps;

	(void)state;
	fake_guest_reset(guest, 0);
	fake_dump(guest, dir, XLDUMP_STRATEGY_PRECOPY, &d);
	steps = guest->step;
	for (long n = steps / 6; n < steps - 9; n++) {
		fake_guest_reset(guest, 0);
		guest->act = begin_save;
		guest->act_at = n;
		fake_dump(guest, dir, XLDUMP_STRATEGY_PRECOPY, &d);
		stop_saver(saver);
		assert_int_equal(d.cause, XLDUMP_CAUSE_BUSY);
		assert_true(guest->log_on);
		assert_int_equal(guest->pauses, 0);
	}
}

/* A dump died, and a save has its log now. */
static void test_recover_during_save(void **state)
{
	struct xl_ctx x = { 0 };
	unsigned undone;
	pid_t pid = fork();

	(void)state;
	fake_guest_reset(guest, 1);
	guest->log_on = guest->dm_on = true;
	if (pid == 0) {
		struct xl_undo *u;

		if (xl_undo_open(&x, dir, DOMID, guest->dom.uuid, &u) == 0)
			xl_undo_update(u, 0, XL_UNDO_LOG | XL_UNDO_DM_LOG | XL_UNDO_PAUSED);
		(void)kill(getpid(), SIGKILL);
	}
	(void)waitpid(pid, NULL, 0);
	saver = start_saver();
	assert_int_equal(xl_recover(&x, fake_hv(guest), dir, &undone), 0);
	stop_saver(saver);
	assert_int_equal(undone, 1);
	assert_int_equal(guest->pauses, 0);
	assert_true(guest->log_on && guest->dm_on);
}

static int setup(void **state)
{
	(void)state;
	(void)snprintf(top, sizeof(top), "/tmp/xldump-log.XXXXXX");
	if (!mkdtemp(top))
		return -1;
	(void)snprintf(dir, sizeof(dir), "%s/undo", top);
	guest = fake_guest_new(false);
	guest->dom.domid = DOMID;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_guest_free(guest);
	return rmdir(dir) < 0 || rmdir(top) < 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_off_and_on),
		cmocka_unit_test(test_fetched),
		cmocka_unit_test(test_save_complete),
		cmocka_unit_test(test_saver),
		cmocka_unit_test(test_saver_begins),
		cmocka_unit_test(test_recover_during_save),
	};

	if (argc > 1 && strcmp(argv[1], "--save-domain") == 0) {
		(void)!write(3, "", 1);
		(void)pause();
		return 0;
	}
	return cmocka_run_group_tests_name("stolen log", tests, setup, teardown);
}
