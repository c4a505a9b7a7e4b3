/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes on in a simulated guest and around it.  Each program acts at random intervals. */
#include "sim.h"

static xl_pfn_t some_page(struct sim *s, size_t among)
{
	return s->data[sim_below(s, among && among < s->nr_data ? among : s->nr_data)];
}

static void dirtier(struct sim *s)
{
	/* A guest uses what it has just got. */
	if (s->nr_out && sim_below(s, 4) == 0) {
		sim_scribble(s, s->data[s->nr_data - 1 - sim_below(s, 4)], true);
		return;
	}
	/* Most writes go to few pages, as they do. */
	sim_scribble(s, some_page(s, sim_below(s, 4) ? 96 : 0), true);
}

static void stamper(struct sim *s)
{
	size_t n = s->nr_data < 64 ? s->nr_data : 64;

	s->stamp++;
	sim_write(s, s->data[s->stamp % n], 512, &s->stamp, sizeof(s->stamp));
}

static void tables(struct sim *s)
{
	if (s->dom.pv)
		sim_pv_tables_act(s);
}

static void p2m_mover(struct sim *s)
{
	if (s->dom.pv)
		sim_pv_move_p2m(s);
}

static void ballooner(struct sim *s)
{
	size_t busy = s->nr_data < 96 ? s->nr_data : 96;

	/* Up to Xen 4.18 only those that somebody found missing can come back: try some. */
	for (unsigned i = 0; i < 8 && s->nr_out && sim_below(s, 4); i++)
		(void)sim_balloon_in(s, sim_below(s, s->nr_out));
	/* Often of those that were written just now, and are about to be read again. */
	(void)sim_balloon_out(s, sim_below(s, sim_below(s, 2) ? busy : s->nr_data));
	/* In and out at the same place, in one go. */
	if (s->nr_out && sim_below(s, 4) == 0)
		(void)sim_balloon_in(s, s->nr_out - 1);
}

static void crasher(struct sim *s)
{
	s->program[SIM_CRASHER].interval = 0;
	s->dom.shutdown = true;
	s->dom.shutdown_reason = 3;
}

static void destroyer(struct sim *s)
{
	s->program[SIM_DESTROYER].interval = 0;
	sim_die(s);
}

static void other(struct sim *s)
{
	s->pauses_other = !s->pauses_other;
}

/* The vCPUs submit requests, the device ends them: one after the other, less than 100 us apart,
 * and whether or not the vCPUs still run.  It writes, and the log has it when the request ends, one
 * act later: that of a backend when it lets go of the page, which was granted to it; that of the
 * device model, which may write to any page, when it reports, if it was told to. */
static void device(struct sim *s)
{
	if (s->dma_page && (!s->dom.hvm_devices || s->dm_on))
		sim_mark(s, s->dma_page - 1);
	s->dma_page = 0;
	if (sim_running(s))
		s->in_flight = s->params.restless ? s->params.restless : (unsigned)sim_below(s, 9);
	else if (s->in_flight)
		s->in_flight--;
	else
		return;
	s->dma_page = 1 + (s->nr_lent ? s->lent[sim_below(s, s->nr_lent)] : some_page(s, 12));
	sim_scribble(s, s->dma_page - 1, false);
}

static xl_pfn_t special_pfn(const struct sim *s, size_t i)
{
	return s->dom.pv ? s->frame[s->special[i]].m2p : s->special[i];
}

static void rings(struct sim *s)
{
	if (sim_running(s))
		s->ring_in_flight = s->params.restless ? s->params.restless : 1;
	else if (s->ring_in_flight)
		s->ring_in_flight--;
	else
		return;
	if (s->nr_special)
		sim_scribble(s, special_pfn(s, sim_below(s, s->nr_special)), false);
}

/* A block backend with persistent grants: what it reads from the disk it writes into them. */
static void backend(struct sim *s)
{
	if (sim_running(s))
		s->grant_in_flight = s->params.restless ? s->params.restless : 1;
	else if (s->grant_in_flight)
		s->grant_in_flight--;
	else
		return;
	sim_scribble(s, s->granted[sim_below(s, s->nr_granted)], false);
}

static void xen_writer(struct sim *s)
{
	if (s->xen_page && sim_below(s, 2))
		sim_scribble(s, s->xen_page, false);
	if (s->nr_xen_mapped)
		sim_scribble(s, s->xen_mapped[sim_below(s, s->nr_xen_mapped)], false);
}

/* As xc_domain_save() does it: the log is on already, so off and on; then it is the thief's. */
static void thief(struct sim *s)
{
	if (s->thief_acts == SIM_THIEF_ACTS || (!s->thief_acts && (!s->log_on || !sim_running(s))))
		return;
	s->thief_acts++;
	xl_bitmap_zero(&s->log);
	/* What Xen has counted outlives the switching off, and goes with the first fetch. */
	if (s->thief_acts > 1)
		s->log_count = 0;
	if (s->thief_acts == SIM_THIEF_ACTS)
		s->log_on = false;
}

static const struct {
	void (*act)(struct sim *s);
	uint64_t interval;
	bool always;
} program[SIM_NR_PROGRAMS] = {
	[SIM_DIRTIER] = { dirtier, 20000, false },
	[SIM_STAMPER] = { stamper, 30000, false },
	[SIM_TABLES] = { tables, 25000, false },
	[SIM_BALLOONER] = { ballooner, 70000, false },
	[SIM_P2M_MOVER] = { p2m_mover, 250000, false },
	[SIM_CRASHER] = { crasher, 2000000, false },
	[SIM_DESTROYER] = { destroyer, 2000000, true },
	[SIM_OTHER] = { other, 400000, true },
	[SIM_DEVICE] = { device, 60000, true },
	[SIM_RINGS] = { rings, 60000, true },
	[SIM_GRANTS] = { backend, 60000, true },
	[SIM_XEN] = { xen_writer, 40000, false },
	[SIM_THIEF] = { thief, 300000, true },
};

void sim_programs_init(struct sim *s)
{
	/* Pages in use by a backend are not ballooned out. */
	if (s->params.programs & SIM_RUN(SIM_GRANTS)) {
		for (; s->nr_granted < SIM_NR_GRANTED; s->nr_granted++)
			s->granted[s->nr_granted] = s->data[--s->nr_data];
	}
	if (!s->dom.hvm_devices && (s->params.programs & SIM_RUN(SIM_DEVICE))) {
		for (; s->nr_lent < SIM_NR_LENT; s->nr_lent++)
			s->lent[s->nr_lent] = s->data[--s->nr_data];
	}
	for (size_t i = 0; i < SIM_NR_PROGRAMS; i++) {
		struct sim_program *p = &s->program[i];
		uint64_t interval = program[i].interval;

		if (!(s->params.programs & SIM_RUN(i)))
			continue;
		if (i == SIM_DIRTIER && s->params.dirty_interval)
			interval = s->params.dirty_interval;
		else if (!program[i].always)
			interval = interval / 4 + sim_below(s, interval * 2);
		*p = (struct sim_program){
			.act = program[i].act, .interval = interval, .always = program[i].always
		};
		p->next = s->clock + sim_below(s, interval * 2);
	}
}
