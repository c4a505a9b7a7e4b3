/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps that are killed at every step, and those who undo what they did, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hv/recover.h"
#include "undo_case.h"

static int dump_in_child(enum xldump_strategy strategy, long die_at)
{
	static struct fake_dump d;
	pid_t pid;

	guest->die_at = die_at;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fake_dump(guest, undo_dir, strategy, &d);
		if (d.r < 0)
			fprintf(stderr, "# %s\n", d.err);
		_exit(d.r < 0);
	}
	return wait_child(pid);
}

static int recover_in_child(long die_at)
{
	pid_t pid;

	guest->step = 0;
	guest->die_at = die_at;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct xl_ctx x = { 0 };

		_exit(xl_recover(&x, fake_hv(guest), undo_dir, NULL) < 0);
	}
	return wait_child(pid);
}

/* All is as it was before the dump. */
static void is_put_right(int pauses, long at)
{
	if (guest->pauses != pauses) {
		/* The one case that cannot be told: somebody else had paused it, too. */
		if (pauses == 0 || guest->pauses != pauses + 1 ||
		    !strstr(said, "left it paused, because somebody else had paused it before"))
			fail_msg("killed at %ld: %d pauses, not %d: %s", at, guest->pauses, pauses,
				 said);
	}
	assert_false(guest->log_on);
	assert_false(guest->dm_on);
	assert_int_equal(undo_entries(undo_dir, false), 0);
}

/* Kill the dump before and after everything that it does. */
static void sweep(enum xldump_strategy strategy, bool hvm, int pauses)
{
	long n = 0, paused = 0, logging = 0;

	guest->dom.hvm_devices = hvm;
	for (;;) {
		n++;
		fake_guest_reset(guest, pauses);
		if (dump_in_child(strategy, n) == 0)
			break;
		paused += guest->pauses > pauses;
		logging += guest->log_on;
		guest->die_at = 0;
		(void)undo_recover(0);
		is_put_right(pauses, n);
		assert_int_equal(undo_recover(0), 0);
		assert_string_equal(said, "");
	}
	is_put_right(pauses, 0);
	print_message("# killed at %ld places: %ld times paused, %ld times logging\n", n - 1,
		      paused, logging);
	assert_true(n > 20 && paused > 4);
}

static void test_kill_precopy(void **state)
{
	(void)state;
	sweep(XLDUMP_STRATEGY_PRECOPY, false, 0);
}

static void test_kill_precopy_hvm(void **state)
{
	(void)state;
	sweep(XLDUMP_STRATEGY_PRECOPY, true, 0);
}

static void test_kill_stop(void **state)
{
	(void)state;
	sweep(XLDUMP_STRATEGY_STOP, false, 0);
}

static void test_kill_rescan(void **state)
{
	(void)state;
	sweep(XLDUMP_STRATEGY_RESCAN, false, 0);
}

static void test_kill_still(void **state)
{
	(void)state;
	sweep(XLDUMP_STRATEGY_STILL, false, 1);
}

/* Kill those who undo, at each of their steps, until one survives. */
static void test_kill_recoverer(void **state)
{
	long places = 0;

	(void)state;
	guest->dom.hvm_devices = true;
	for (long n = 1;; n += 3) {
		fake_guest_reset(guest, 0);
		if (dump_in_child(XLDUMP_STRATEGY_PRECOPY, n) == 0)
			break;
		for (long m = 1; recover_in_child(m) != 0; m++)
			places++;
		guest->die_at = 0;
		(void)undo_recover(0);
		is_put_right(0, n);
	}
	print_message("# killed at %ld places\n", places);
	assert_true(places > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill_precopy),
		cmocka_unit_test(test_kill_precopy_hvm),
		cmocka_unit_test(test_kill_stop),
		cmocka_unit_test(test_kill_rescan),
		cmocka_unit_test(test_kill_still),
		cmocka_unit_test(test_kill_recoverer),
	};

	return cmocka_run_group_tests_name("undo, killed", tests, undo_setup, undo_teardown);
}
