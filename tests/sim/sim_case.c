/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs one simulated dump and judges it. */
#include "sim_case.h"

#include <stdarg.h>

_printf_(2, 3) static void violation(struct sim_result *res, const char *fmt, ...)
{
	va_list ap;

	if (res->violations == SIM_MAX_VIOLATIONS)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(res->violation[res->violations++], sizeof(res->violation[0]), fmt, ap);
	va_end(ap);
}

static int create(const struct sim_case *c, struct sim **ret)
{
	struct sim *s;
	int r = sim_create(&c->p, &s);

	if (r < 0)
		return r;
	for (size_t i = 0; i < SIM_NR_PROGRAMS; i++) {
		struct sim_program *p = &s->program[i];

		if (!p->interval || !c->every[i])
			continue;
		p->interval = c->every[i];
		p->next = s->clock + sim_below(s, 2 * p->interval);
	}
	s->pod = c->pod;
	s->dom.paged_pages = c->paged;
	s->cap = c->cap;
	s->pauses_other = c->paused;
	s->dom.shutdown = c->crashed;
	s->dom.shutdown_reason = c->crashed ? 3 : 0;
	if (c->logging)
		r = s->hv.ops->logdirty_start(&s->hv, SIM_DOMID, s->nr_pfns);
	if (r < 0) {
		sim_destroy(s);
		return r;
	}
	s->fault = c->fault;
	s->pause_limit = c->cp.extend_pause ? 0 : c->cp.max_pause_ns;
	/* Counted from the first call of the dump. */
	memset(s->calls, 0, sizeof(s->calls));
	*ret = s;
	return 0;
}

/* What is left behind because nobody could do anything about it, and which was said. */
static void forgive(const struct sim_case *c, struct sim *s, struct sim_result *res)
{
	const struct sim_fault *f = &s->fault;

	bool passes = !f->sticks && (f->err == -EINTR || f->err == -EAGAIN || f->err == -ENOMEM);

	if (f->hit && f->op == SIM_unpause && !passes && res->cause == XLDUMP_CAUSE_STILL_PAUSED &&
	    s->pauses_ours == 1) {
		res->owed = true;
		s->pauses_ours = 0;
		/* It is not in a pause that anybody could end that it was spoken to. */
		if (strstr(s->broken, "device model was spoken to inside"))
			s->broken[0] = '\0';
	}
	if (!f->hit || !f->sticks || !res->warnings)
		return;
	if (f->op == SIM_logdirty_stop)
		s->log_on = c->logging;
	if (f->op == SIM_dm_logdirty)
		s->dm_on = false;
	if (f->op == SIM_cap_set)
		s->cap = c->cap;
}

/* What was there before must be there afterwards; sim_check() wants nothing at all. */
static void check_as_before(const struct sim_case *c, struct sim *s, struct sim_result *res)
{
	if (s->dom.dying)
		return;
	if (c->logging) {
		if (!s->log_on)
			violation(res, "the dirty log of somebody else was switched off");
		s->log_on = false;
	}
	if (s->thief_lost)
		violation(res, "the dirty log of a migration was switched off");
	if (sim_stolen(s)) {
		res->stolen = true;
		s->log_on = false;
	}
	if (s->cap != c->cap)
		violation(res, "the guest has a cap of %u %%, and had one of %u %%", s->cap, c->cap);
	s->cap = 0;
	if (!(c->p.programs & SIM_RUN(SIM_OTHER)) && s->pauses_other != c->paused)
		violation(res, "the pause of somebody else was not left alone");
}

static void check_limit(const struct sim_case *c, const struct sim *s, const struct sim_dump *d,
			struct sim_result *res)
{
	/* One that does not run anyway feels no pause. */
	if (!c->cp.max_pause_ns || c->cp.extend_pause || res->was_stopped ||
	    s->longest_pause <= c->cp.max_pause_ns)
		return;
	/* Never silently. */
	if (d->overrun) {
		res->overrun = true;
		return;
	}
	violation(res, "the guest was stopped for %" PRIu64 " us, %" PRIu64 " us are allowed",
		  s->longest_pause / 1000, c->cp.max_pause_ns / 1000);
}

static void judge(const struct sim_case *c, struct sim *s, const struct sim_dump *d,
		  struct sim_result *res)
{
	char why[512];

	forgive(c, s, res);
	check_as_before(c, s, res);
	check_limit(c, s, d, res);
	if (sim_check_left_alone(s, d, why, sizeof(why)) < 0) {
		violation(res, "%s", why);
		/* The dump has a judgement of its own. */
		s->broken[0] = '\0';
		s->mapped = 0;
		s->pauses_ours = 0;
		s->log_on = s->dm_on = false;
	}
	if (d->r == 0 && sim_check(s, d, why, sizeof(why)) < 0)
		violation(res, "%s", why);
}

int sim_case_run(const struct sim_case *c, struct sim_result *ret)
{
	_cleanup_(sim_destroyp) struct sim *s = NULL;
	struct sim_dump d;
	int r = create(c, &s);

	*ret = (struct sim_result){ 0 };
	if (r < 0)
		return r;
	sim_dump_run(s, &c->cp, &d);
	ret->r = d.r;
	ret->cause = d.r < 0 && d.x.cause == XLDUMP_CAUSE_NONE ? XLDUMP_CAUSE_OTHER : d.x.cause;
	(void)snprintf(ret->error, sizeof(ret->error), "%s", d.x.err);
	ret->strategy = d.cut.strategy;
	(void)snprintf(ret->reason, sizeof(ret->reason), "%s", d.cut.reason);
	ret->suspects = d.cut.suspects;
	ret->was_stopped = d.cut.was_stopped;
	ret->pages = d.r == 0 ? xl_bitmap_count(&d.cut.present) : 0;
	ret->rounds = d.cut.rounds;
	ret->warnings = d.warnings;
	ret->pause_ns = s->longest_pause;
	ret->cap_changes = s->calls[SIM_cap_set];
	ret->fault_hit = s->fault.hit;
	judge(c, s, &d, ret);
	sim_dump_deinit(&d);
	return 0;
}

void sim_result_print(const struct sim_result *res, FILE *f)
{
	if (res->r < 0) {
		fprintf(f, "outcome: %s\n", xldump_cause_name(res->cause));
		fprintf(f, "error: %s\n", res->error);
	} else {
		fprintf(f, "outcome: ok\n");
		fprintf(f, "strategy: %s\n", xldump_strategy_name(res->strategy));
		fprintf(f, "reason: %s\n", res->reason[0] ? res->reason : "-");
		fprintf(f, "guarantee: %s\n", res->suspects ? "suspects" : "exact");
		fprintf(f, "suspects: %" PRIu64 "\n", res->suspects);
		fprintf(f, "rounds: %u\n", res->rounds);
		fprintf(f, "pages: %" PRIu64 "\n", res->pages);
	}
	fprintf(f, "pause: %" PRIu64 " us\n", res->pause_ns / 1000);
	fprintf(f, "warnings: %u\n", res->warnings);
	if (res->cap_changes)
		fprintf(f, "changes of the cap: %" PRIu64 "\n", res->cap_changes);
	if (res->overrun)
		fprintf(f, "overrun: said\n");
	if (res->owed)
		fprintf(f, "left: the guest, paused\n");
	if (res->stolen)
		fprintf(f, "left: the dirty log, to who took it\n");
	if (!res->violations)
		fprintf(f, "violations: none\n");
	for (unsigned i = 0; i < res->violations; i++)
		fprintf(f, "violation: %s\n", res->violation[i]);
}
