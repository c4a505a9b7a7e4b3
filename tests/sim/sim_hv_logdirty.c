/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The seam on the simulated host: the dirty log, by Xen's rules.
 *
 * A mark on write, and nothing else: no pre-images, no owner, and nobody can ask whether it is on.
 * Fetching copies and clears in one step with the domain paused.  Up to Xen 4.18 a frame that is
 * added to an auto-translated guest is neither marked nor write-protected before the next fetch.
 */
#include "sim.h"

static int enter_log(struct sim *s, enum sim_op op, uint32_t domid, uint64_t cost)
{
	int r = sim_enter(s, op, cost);

	sim_touch(s, op);
	if (r < 0)
		return r;
	return domid != SIM_DOMID || s->gone ? -ESRCH : 0;
}

static void arm_all(struct sim *s)
{
	for (uint64_t i = 0; i < s->nr_frames; i++)
		s->frame[i].unarmed = false;
}

/* What Xen says of a dying domain, and does nothing: success, up to 4.17. */
static int ignored(const struct sim *s)
{
	return s->params.xen_minor <= 17 ? 0 : -EINVAL;
}

int sim_hv_logdirty_start(struct xl_hv *hv, uint32_t domid, uint64_t nr)
{
	struct sim *s = sim_of(hv);
	int r = enter_log(s, SIM_logdirty_start, domid, 50000);

	if (r < 0)
		return r;
	/* The same word as for "on already", later on. */
	if (s->dom.dying)
		return s->params.xen_minor <= 17 ? 0 : -EBUSY;
	if (s->dom.pv && s->params.no_shadow)
		return -EOPNOTSUPP;
	if (s->log_on)
		return -EBUSY;
	if (nr > s->nr_pfns) {
		sim_broken(s, "a log of more pages than there can be");
		return -EINVAL;
	}
	s->log.nbits = nr;
	xl_bitmap_zero(&s->log);
	s->log_on = true;
	s->log_nr = nr;
	/* The count is what it was when the log was used last. */
	s->log_broken = false;
	arm_all(s);
	return sim_leave(s, SIM_logdirty_start, 20000);
}

int sim_hv_logdirty_fetch(struct xl_hv *hv, uint32_t domid, bool last, struct xl_bitmap *ret)
{
	struct sim *s = sim_of(hv);
	int r = enter_log(s, SIM_logdirty_fetch, domid, 20000);

	if (r < 0)
		return r;
	if (s->dom.dying)
		return -ESRCH;
	/* Xen gives an empty one; only a thief excuses asking. */
	if (!s->log_on && !s->thief_acts)
		sim_broken(s, "a dirty log that is off was fetched");
	if (s->log_broken)
		return -ENOMEM;
	if (ret->nbits < s->log_nr)
		sim_broken(s, "no room for the dirty log");
	for (size_t i = 0; last && i < s->nr_xen_mapped; i++)
		sim_mark(s, s->xen_mapped[i]);
	memcpy(ret->word, s->log.word, xl_bitmap_bytes(&s->log));
	xl_bitmap_zero(&s->log);
	s->log_count = 0;
	arm_all(s);
	if (s->params.young_write && !s->young_done && s->nr_out) {
		s->young = s->out[0];
		s->young_done = sim_balloon_in(s, 0);
	}
	return sim_leave(s, SIM_logdirty_fetch, 5000);
}

int sim_hv_logdirty_count(struct xl_hv *hv, uint32_t domid, uint64_t *ret)
{
	struct sim *s = sim_of(hv);
	int r = enter_log(s, SIM_logdirty_count, domid, 3000);

	if (r < 0)
		return r;
	if (s->dom.dying) {
		*ret = 0;
		return ignored(s);
	}
	if (s->log_broken)
		return -ENOMEM;
	*ret = s->log_count;
	return sim_leave(s, SIM_logdirty_count, 1000);
}

int sim_hv_logdirty_stop(struct xl_hv *hv, uint32_t domid)
{
	struct sim *s = sim_of(hv);
	int r = enter_log(s, SIM_logdirty_stop, domid, 30000);

	if (r < 0)
		return r;
	if (s->dom.dying)
		return ignored(s);
	s->thief_lost |= sim_stolen(s);
	s->log_on = false;
	return sim_leave(s, SIM_logdirty_stop, 10000);
}

int sim_hv_dm_logdirty(struct xl_hv *hv, const struct xl_domain *dom, bool on)
{
	struct sim *s = sim_of(hv);
	int r = enter_log(s, SIM_dm_logdirty, dom->domid, 200000);

	if (r < 0)
		return r;
	if (!dom->hvm_devices)
		sim_broken(s, "a device model that is not there was spoken to");
	if (s->pauses_ours)
		sim_broken(s, "the device model was spoken to inside a pause of ours");
	s->dm_on = on && !s->dom.dying;
	return sim_leave(s, SIM_dm_logdirty, 100000);
}
