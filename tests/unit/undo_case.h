/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the undo journal share: a guest, a folder for journals, a look at both. */
#ifndef TESTS_UNIT_UNDO_CASE_H
#define TESTS_UNIT_UNDO_CASE_H

#include <sys/types.h>

#include "fake_dump.h"

extern char undo_top[64], undo_dir[80]; /* a folder of the test, the journals in it */
extern struct fake_guest *guest;
extern char said[4096]; /* log lines of the last undo_recover() */

int undo_setup(void **state);
int undo_teardown(void **state);

/* Entries of the folder that are journals, or all. */
int undo_entries(const char *path, bool journals);

/* Replay; must return `want`.  How many were undone. */
unsigned undo_recover(int want);

/* The signal that ended it, or 0. */
int wait_child(pid_t pid);

#endif
