/* SPDX-License-Identifier: GPL-2.0-or-later */
/* format-check is judged: every rule that it has is broken on purpose in a file that is right
 * otherwise, and it must name that rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "breakage.h"
#include "fake_core.h"

static char here[1024], dir[] = "/tmp/test_rules.XXXXXX", dump[1100];
static char output[65536];

static int run_check(void)
{
	char cmd[4096];
	FILE *f;
	size_t n;
	int r;

	(void)snprintf(cmd, sizeof(cmd), "%s/format-check %s 2>&1", here, dump);
	f = popen(cmd, "r");
	assert_non_null(f);
	n = fread(output, 1, sizeof(output) - 1, f);
	output[n] = '\0';
	r = pclose(f);
	assert_true(WIFEXITED(r));
	return WEXITSTATUS(r);
}

/* ---- files that are right ---- */

static struct fake_core core;

static void entry(size_t table, size_t index, uint64_t value)
{
	fake_core_put64(core.page[table] + 8 * index, value);
}

/* The kernel is where the text of the notes has it: tables 10 to 12, 2 MiB and up, physical 0. */
static void make_native(size_t vcpus)
{
	memset(&core, 0, sizeof(core));
	core.hole[5] = core.hole[6] = true;
	for (size_t i = 0; i < FAKE_PAGES; i++)
		core.mfn[i] = 0x1000 + (i * 37) % FAKE_PAGES;
	entry(10, 511, 11 * FAKE_PAGE | 0x63);
	entry(11, 510, 12 * FAKE_PAGE | 0x63);
	entry(12, 8, 0xe3);
	core.cr3 = 10 * FAKE_PAGE;
	core.vcpus = vcpus;
}

/* A PV guest that was made an ordinary one: with records of what was changed. */
static void make_pv(void)
{
	make_native(1);
	core.pv = true;
	for (size_t i = 0; i < 3; i++) {
		core.table[i].pfn = 10 + i;
		core.table[i].level = 4 - i;
		core.edit[i].paddr = (10 + i) * FAKE_PAGE + 8;
		core.edit[i].old = 0x777063;
	}
	core.tables = core.edits = 3;
}

/* Three levels: 10 to 12.  Its root has a number of more than 20 bits, where it is a frame of the host. */
static void make_narrow(bool raw)
{
	make_native(2);
	memset(core.page[10], 0, 3 * FAKE_PAGE);
	core.narrow = core.pv = true;
	core.offline[1] = true;
	core.mfn[10] = 0x123456;
	entry(10, 3, (raw ? core.mfn[11] : 11) * FAKE_PAGE | 0x1);
	entry(11, 4, (raw ? core.mfn[12] : 12) * FAKE_PAGE | 0x63);
	entry(12, 8, (raw ? core.mfn[13] : 13) * FAKE_PAGE | 0x63);
	for (size_t i = 0; i < 3; i++) {
		core.table[i].pfn = 10 + i;
		core.table[i].level = 3 - i;
	}
	core.tables = 3;
	core.edit[0].paddr = 11 * FAKE_PAGE + 8;
	core.edit[0].old = 0x777063;
	core.edits = 1;
	if (raw)
		core.cr3 = core.mfn[10] * FAKE_PAGE;
}

static void make(enum good good)
{
	enum fake_kind kind = FAKE_HYBRID;

	switch (good) {
	case PVH:
		make_native(1);
		break;
	case HVM: /* a vCPU in user mode, one offline, one in the kernel */
		make_native(3);
		core.user_cr3 = 13 * FAKE_PAGE;
		core.offline[1] = true;
		break;
	case LA57: /* one more table on top */
		make_native(1);
		entry(14, 511, 10 * FAKE_PAGE | 0x63);
		core.cr3 = 14 * FAKE_PAGE;
		core.la57 = true;
		break;
	case PV:
		make_pv();
		break;
	case SECTIONS:
		make_native(1);
		kind = FAKE_SECTIONS;
		break;
	case PV_SECTIONS:
		make_pv();
		kind = FAKE_SECTIONS;
		break;
	case RAW:
		make_pv();
		core.cr3 = core.mfn[10] * FAKE_PAGE;
		kind = FAKE_RAW;
		break;
	case NARROW:
		make_narrow(false);
		kind = FAKE_SECTIONS;
		break;
	case NARROW_RAW:
		make_narrow(true);
		kind = FAKE_RAW;
		break;
	case GOODS:
		break;
	}
	fake_core_write(&core, kind, dump);
}

/* ---- what was said ---- */

/* The next line of output with that mark, and its rule without numbers in parentheses. */
static bool next_rule(const char **at, const char *mark, char rule[256])
{
	size_t n = 0;

	for (const char *p = *at; *p; p = strchr(p, '\n') + 1) {
		const char *s = p + strlen(mark) + 1;

		if (strncmp(p, mark, strlen(mark)) != 0 || p[strlen(mark)] != ' ')
			continue;
		s += strspn(s, " ");
		while (*s != '\n' && n < 255) {
			size_t digits = *s == '(' ? strspn(s + 1, "0123456789, ") : 0;

			if (digits && s[1 + digits] == ')') {
				s += digits + 2;
				n -= n && rule[n - 1] == ' ';
			} else {
				rule[n++] = *s++;
			}
		}
		rule[n] = '\0';
		*at = strchr(s, '\n') + 1;
		return true;
	}
	return false;
}

/* ---- tests ---- */

#define MAX_RULES 128

static char known[MAX_RULES][256];
static bool broken[MAX_RULES];
static size_t rules;

static size_t find_rule(const char *rule)
{
	size_t i = 0;

	while (i < rules && strcmp(known[i], rule) != 0)
		i++;
	return i;
}

static void test_good(void **state)
{
	(void)state;
	for (enum good good = 0; good < GOODS; good++) {
		const char *at = output;
		char rule[256];

		make(good);
		if (run_check() != 0)
			fail_msg("good file %d:\n%s", (int)good, output);
		while (next_rule(&at, "ok", rule)) {
			size_t i = find_rule(rule);

			assert_true(i < MAX_RULES);
			if (i == rules)
				strcpy(known[rules++], rule);
		}
	}
	assert_true(rules > 60);
}

/* One of several beginnings, with | between them. */
static bool begins(const char *rule, const char *list)
{
	while (list && *list) {
		size_t n = strcspn(list, "|");

		if (n && strncmp(rule, list, n) == 0)
			return true;
		list += n + (list[n] == '|');
	}
	return false;
}

/* Whether the rule is named, and nothing but that and what must go with it. */
static bool caught(const struct breakage *b)
{
	const char *at = output;
	bool named = false, alone = true;
	char rule[256];

	while (next_rule(&at, "VIOLATED", rule)) {
		size_t k = find_rule(rule);

		if (begins(rule, b->rule)) {
			named = true;
			if (k < rules)
				broken[k] = true;
		} else if (!begins(rule, b->also)) {
			print_message("# %s: another is broken: %s\n", b->rule, rule);
			alone = false;
		}
	}
	return named && alone;
}

static void test_broken(void **state)
{
	size_t missed = 0;

	(void)state;
	for (size_t i = 0; i < breakages; i++) {
		const struct breakage *b = &breakage[i];
		int r;

		make(b->good);
		breakage_apply(b, dump);
		r = run_check();
		if (r == 1 && caught(b))
			continue;
		print_message("# %s: number %zu is not caught, status %d%s%s\n", b->rule, i, r,
			      r == 2 ? ": " : "", r == 2 ? output : "");
		missed++;
	}
	assert_int_equal(missed, 0);
}

/* What the tables above do not break is a rule of which nobody knows whether it can fail. */
static void test_all(void **state)
{
	size_t left = 0;

	(void)state;
	for (size_t i = 0; i < rules; i++) {
		if (broken[i])
			continue;
		print_message("# never broken: %s\n", known[i]);
		left++;
	}
	assert_int_equal(left, 0);
}

static int setup(void **state)
{
	ssize_t n = readlink("/proc/self/exe", here, sizeof(here) - 1);

	(void)state;
	if (n < 0 || !mkdtemp(dir))
		return -1;
	here[n] = '\0';
	*strrchr(here, '/') = '\0';
	(void)snprintf(dump, sizeof(dump), "%s/dump", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(dump);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
