/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A simulated dump as a text: one word and its arguments a line, # begins a comment. */
#include <stdlib.h>

#include "sim_case.h"

static const char *const program_name[SIM_NR_PROGRAMS] = {
	[SIM_DIRTIER] = "dirtier", [SIM_STAMPER] = "stamper", [SIM_TABLES] = "tables",
	[SIM_BALLOONER] = "ballooner", [SIM_P2M_MOVER] = "p2m-mover", [SIM_CRASHER] = "crasher",
	[SIM_DESTROYER] = "destroyer", [SIM_OTHER] = "other", [SIM_DEVICE] = "device",
	[SIM_RINGS] = "rings", [SIM_GRANTS] = "grants", [SIM_XEN] = "xen",
	[SIM_THIEF] = "thief",
};

static const struct {
	const char *name;
	int err;
} errno_name[] = {
#define _(e) { #e, e }
	_(EPERM), _(ENOENT), _(ESRCH), _(EINTR), _(EAGAIN), _(ENOMEM), _(EFAULT), _(EBUSY),
	_(EINVAL), _(EOPNOTSUPP), _(ECONNREFUSED), _(ETIMEDOUT),
#undef _
};

static const char *const guest_name[] = {
	[XLDUMP_GUEST_PV] = "pv", [XLDUMP_GUEST_PVH] = "pvh", [XLDUMP_GUEST_HVM] = "hvm"
};

static int find(const char *const *names, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		if (names[i] && strcmp(names[i], word) == 0)
			return (int)i;
	}
	return -EINVAL;
}

static int number(const char *word, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(word, &end, 0);
	return errno || end == word || *end ? -EINVAL : 0;
}

/* "250us", "2ms", "800ns"; a time of 0 is none. */
static int duration(const char *word, uint64_t *ret)
{
	char unit[4] = "";

	if (sscanf(word, "%" SCNu64 "%3s", ret, unit) != 2 || *ret == 0)
		return -EINVAL;
	*ret *= strcmp(unit, "ms") == 0 ? 1000000 : strcmp(unit, "us") == 0 ? 1000 : 1;
	return strcmp(unit, "ms") == 0 || strcmp(unit, "us") == 0 || strcmp(unit, "ns") == 0 ?
		       0 :
		       -EINVAL;
}

/* ---- lines ---- */

#define MAX_WORDS 6

static int parse_guest(struct sim_case *c, char **word, size_t n)
{
	int type = find(guest_name, XL_ARRAY_SIZE(guest_name), word[0]);

	if (type < 0)
		return type;
	c->p.type = (enum xldump_guest_type)type;
	for (size_t i = 1; i < n; i++) {
		if (strcmp(word[i], "three-level") == 0)
			c->p.three_level = true;
		else if (strcmp(word[i], "no-shadow") == 0)
			c->p.no_shadow = true;
		else if (strcmp(word[i], "32-bit") == 0)
			c->p.narrow = true;
		else if (strcmp(word[i], "high") == 0)
			c->p.high = true;
		else if (strcmp(word[i], "compact") == 0)
			c->p.compact = true;
		else
			return -EINVAL;
	}
	return 0;
}

static int parse_run(struct sim_case *c, char **word, size_t n)
{
	int id = find(program_name, SIM_NR_PROGRAMS, word[0]);

	if (id < 0)
		return id;
	c->p.programs |= SIM_RUN((unsigned)id);
	if (n == 1)
		return 0;
	return n == 3 && strcmp(word[1], "every") == 0 ? duration(word[2], &c->every[id]) : -EINVAL;
}

/* fail OP ERRNO at=N [once|always] [late] [page] */
static int parse_fail(struct sim_case *c, char **word, size_t n)
{
	struct sim_fault *f = &c->fault;
	int op = find(sim_op_name, SIM_NR_OPS, word[0]);

	if (op < 0 || n < 3 || strncmp(word[2], "at=", 3) != 0 || number(word[2] + 3, &f->nth) < 0)
		return -EINVAL;
	f->op = (enum sim_op)op;
	for (size_t i = 0; i < XL_ARRAY_SIZE(errno_name); i++) {
		if (strcmp(errno_name[i].name, word[1]) == 0)
			f->err = -errno_name[i].err;
	}
	for (size_t i = 3; i < n; i++) {
		if (strcmp(word[i], "always") == 0)
			f->sticks = true;
		else if (strcmp(word[i], "late") == 0)
			f->late = true;
		else if (strcmp(word[i], "page") == 0 && f->op == SIM_map)
			f->page = true;
		else if (strcmp(word[i], "once") != 0)
			return -EINVAL;
	}
	return f->err && f->nth ? 0 : -EINVAL;
}

static int parse_before(struct sim_case *c, char **word, size_t n)
{
	uint64_t v = 0;

	if (n == 2 && number(word[1], &v) < 0)
		return -EINVAL;
	if (strcmp(word[0], "logging") == 0)
		c->logging = true;
	else if (strcmp(word[0], "paused") == 0)
		c->paused = true;
	else if (strcmp(word[0], "crashed") == 0)
		c->crashed = true;
	else if (strcmp(word[0], "pod") == 0)
		c->pod = v;
	else if (strcmp(word[0], "paged") == 0)
		c->paged = v;
	else if (strcmp(word[0], "cap") == 0)
		c->cap = (uint32_t)v;
	else
		return -EINVAL;
	return 0;
}

static int parse_overrun(struct sim_case *c, char **word, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(word[i], "extend") == 0)
			c->cp.extend_pause = true;
		else if (strcmp(word[i], "throttle") == 0)
			c->cp.throttle = true;
		else if (strcmp(word[i], "fail") != 0)
			return -EINVAL;
	}
	return 0;
}

static int parse_number(struct sim_case *c, const char *what, const char *word)
{
	uint64_t v;

	if (number(word, &v) < 0)
		return -EINVAL;
	if (strcmp(what, "seed") == 0)
		c->p.seed = v;
	else if (strcmp(what, "vcpus") == 0 && v <= XL_MAX_VCPUS)
		c->p.vcpus = (uint32_t)v;
	else if (strcmp(what, "pages") == 0)
		c->p.pages = v;
	else if (strcmp(what, "restless") == 0)
		c->p.restless = (unsigned)v;
	else if (strcmp(what, "slow-pause") == 0)
		c->p.slow_pause = (unsigned)v;
	else if (strcmp(what, "die-at") == 0)
		c->p.die_at = v;
	else if (strcmp(what, "max-rounds") == 0)
		c->cp.max_rounds = (unsigned)v;
	else
		return -EINVAL;
	return 0;
}

static int parse_line(struct sim_case *c, char **word, size_t n)
{
	if (strcmp(word[0], "late-write") == 0 && n == 1) {
		c->p.late_write = true;
		return 0;
	}
	if (strcmp(word[0], "young-write") == 0 && n == 1) {
		c->p.young_write = true;
		return 0;
	}
	if (n < 2)
		return -EINVAL;
	if (strcmp(word[0], "guest") == 0)
		return parse_guest(c, word + 1, n - 1);
	if (strcmp(word[0], "run") == 0)
		return parse_run(c, word + 1, n - 1);
	if (strcmp(word[0], "fail") == 0)
		return parse_fail(c, word + 1, n - 1);
	if (strcmp(word[0], "before") == 0)
		return parse_before(c, word + 1, n - 1);
	if (strcmp(word[0], "on-overrun") == 0)
		return parse_overrun(c, word + 1, n - 1);
	if (strcmp(word[0], "strategy") == 0)
		return xldump_strategy_parse(word[1], &c->cp.strategy);
	if (strcmp(word[0], "max-pause") == 0)
		return duration(word[1], &c->cp.max_pause_ns);
	if (strcmp(word[0], "xen") == 0)
		return sscanf(word[1], "4.%u", &c->p.xen_minor) == 1 ? 0 : -EINVAL;
	return parse_number(c, word[0], word[1]);
}

int sim_case_parse(FILE *f, struct sim_case *ret, char *why, size_t size)
{
	char line[256];

	*ret = (struct sim_case){ .p = { .seed = 1, .pages = 400 }, .cp = { .max_rounds = 8 } };
	for (unsigned nr = 1; fgets(line, sizeof(line), f); nr++) {
		char *word[MAX_WORDS + 1], *save;
		size_t n = 0;

		line[strcspn(line, "#\n")] = '\0';
		for (char *w = strtok_r(line, " \t", &save); w && n <= MAX_WORDS;
		     w = strtok_r(NULL, " \t", &save))
			word[n++] = w;
		if (n == 0)
			continue;
		if (n > MAX_WORDS || parse_line(ret, word, n) < 0) {
			(void)snprintf(why, size, "line %u: `%s ...' makes no sense", nr, word[0]);
			return -EINVAL;
		}
	}
	return 0;
}

/* ---- and back ---- */

static const char *err_name(int err)
{
	for (size_t i = 0; i < XL_ARRAY_SIZE(errno_name); i++) {
		if (errno_name[i].err == -err)
			return errno_name[i].name;
	}
	return "?";
}

static void print_guest(const struct sim_case *c, FILE *f)
{
	fprintf(f, "guest %s%s%s%s%s%s\n", guest_name[c->p.type], c->p.narrow ? " 32-bit" : "",
		c->p.three_level ? " three-level" : "", c->p.no_shadow ? " no-shadow" : "",
		c->p.high ? " high" : "", c->p.compact ? " compact" : "");
	fprintf(f, "seed %" PRIu64 "\npages %" PRIu64 "\n", c->p.seed, c->p.pages);
	if (c->p.vcpus)
		fprintf(f, "vcpus %u\n", c->p.vcpus);
	if (c->p.xen_minor)
		fprintf(f, "xen 4.%u\n", c->p.xen_minor);
	if (c->paused)
		fprintf(f, "before paused\n");
	if (c->crashed)
		fprintf(f, "before crashed\n");
	if (c->logging)
		fprintf(f, "before logging\n");
	if (c->cap)
		fprintf(f, "before cap %u\n", c->cap);
	if (c->pod)
		fprintf(f, "before pod %" PRIu64 "\n", c->pod);
	if (c->paged)
		fprintf(f, "before paged %" PRIu64 "\n", c->paged);
}

void sim_case_print(const struct sim_case *c, FILE *f)
{
	const struct sim_fault *fault = &c->fault;

	print_guest(c, f);
	for (size_t i = 0; i < SIM_NR_PROGRAMS; i++) {
		if (!(c->p.programs & SIM_RUN(i)))
			continue;
		fprintf(f, "run %s", program_name[i]);
		if (c->every[i])
			fprintf(f, " every %" PRIu64 "ns", c->every[i]);
		fprintf(f, "\n");
	}
	if (c->p.late_write)
		fprintf(f, "late-write\n");
	if (c->p.young_write)
		fprintf(f, "young-write\n");
	if (c->p.slow_pause)
		fprintf(f, "slow-pause %u\n", c->p.slow_pause);
	if (c->p.restless)
		fprintf(f, "restless %u\n", c->p.restless);
	if (c->p.die_at)
		fprintf(f, "die-at %" PRIu64 "\n", c->p.die_at);
	if (fault->nth)
		fprintf(f, "fail %s %s at=%" PRIu64 " %s%s%s\n", sim_op_name[fault->op],
			err_name(fault->err), fault->nth, fault->sticks ? "always" : "once",
			fault->late ? " late" : "", fault->page ? " page" : "");
	fprintf(f, "strategy %s\n", xldump_strategy_name(c->cp.strategy));
	fprintf(f, "max-rounds %u\n", c->cp.max_rounds);
	if (c->cp.max_pause_ns)
		fprintf(f, "max-pause %" PRIu64 "ns\n", c->cp.max_pause_ns);
	if (c->cp.throttle || c->cp.extend_pause)
		fprintf(f, "on-overrun%s%s\n", c->cp.throttle ? " throttle" : "",
			c->cp.extend_pause ? " extend" : "");
}
