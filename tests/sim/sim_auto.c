/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Simulated auto-translated guests, PVH and HVM; and ballooning, of every kind of guest. */
#include "sim.h"

#define VGA_FIRST 0xa0
#define VGA_END 0xc0
#define SPECIAL_FIRST 0xfeff8ULL
#define GFN_4G 0x100000ULL

static void populate(struct sim *s, xl_pfn_t gfn)
{
	s->p2m[gfn] = (uint32_t)sim_alloc(s, SIM_GUEST, gfn);
	s->data[s->nr_data++] = gfn;
	sim_scribble(s, gfn, false);
}

static void create_special(struct sim *s, xl_pfn_t first)
{
	for (; s->nr_special < SIM_MAX_SPECIAL; s->nr_special++) {
		xl_pfn_t gfn = first + s->nr_special;

		s->p2m[gfn] = (uint32_t)sim_alloc(s, SIM_GUEST, gfn);
		s->special[s->nr_special] = gfn;
	}
	/* A page of Xen's own that the guest has put into its space: shared_info. */
	s->xen_page = first + SIM_MAX_SPECIAL;
	s->p2m[s->xen_page] = (uint32_t)sim_alloc(s, SIM_HYPERVISOR, XL_INVALID_FRAME);
	if (s->params.type != XLDUMP_GUEST_HVM)
		return;
	for (; s->nr_xen_mapped < SIM_NR_XEN_MAPPED; s->nr_xen_mapped++)
		s->xen_mapped[s->nr_xen_mapped] = s->data[--s->nr_data];
}

int sim_auto_create(struct sim *s)
{
	uint64_t low = s->params.high ? s->params.pages / 2 : s->params.pages;
	uint64_t high = s->params.pages - low;
	uint64_t end = low + VGA_END - VGA_FIRST;
	xl_pfn_t special = s->params.compact ? end + 16 : SPECIAL_FIRST;

	s->nr_pfns = high		 ? GFN_4G + high :
		     s->params.compact ? special + SIM_MAX_SPECIAL + 1 :
					 GFN_4G;
	s->p2m = sim_calloc(s->nr_pfns, sizeof(*s->p2m));
	s->seen_absent = sim_calloc(s->nr_pfns, 1);
	if (!s->p2m || !s->seen_absent)
		return -ENOMEM;
	for (xl_pfn_t gfn = 0; gfn < end; gfn++) {
		if (gfn < VGA_FIRST || gfn >= VGA_END)
			populate(s, gfn);
	}
	for (xl_pfn_t gfn = GFN_4G; gfn < GFN_4G + high; gfn++)
		populate(s, gfn);
	create_special(s, special);
	s->max_pages = s->tot_pages + 256;
	/* Started with less than it may have: the top of its memory is not there yet. */
	if (s->params.programs & SIM_RUN(SIM_BALLOONER)) {
		for (size_t n = sim_below(s, 40); n > 0; n--)
			(void)sim_balloon_out(s, s->nr_data - 1);
	}
	return 0;
}

/* ---- ballooning ---- */

bool sim_balloon_out(struct sim *s, size_t index)
{
	xl_pfn_t pfn = s->data[index];
	xl_mfn_t mfn = s->p2m[pfn];

	if (!mfn || s->nr_data < 64)
		return false;
	if (s->dom.pv)
		sim_pv_set_p2m(s, pfn, 0);
	else
		s->p2m[pfn] = 0;
	sim_free(s, mfn);
	s->data[index] = s->data[--s->nr_data];
	s->out[s->nr_out++] = pfn;
	s->seen_absent[pfn] = 0;
	return true;
}

bool sim_balloon_in(struct sim *s, size_t index)
{
	xl_pfn_t pfn = s->out[index];
	bool logs_added = s->params.xen_minor >= 19;
	xl_mfn_t mfn;

	/* Out and in again with nobody looking: up to 4.18 nothing can tell. */
	if (!s->dom.pv && !logs_added && s->log_on && !s->seen_absent[pfn])
		return false;
	mfn = sim_alloc(s, SIM_GUEST, pfn);
	if (!mfn)
		return false;
	if (s->dom.pv) {
		sim_pv_set_p2m(s, pfn, mfn);
	} else {
		s->p2m[pfn] = (uint32_t)mfn;
		s->frame[mfn].unarmed = s->log_on && !logs_added;
		if (logs_added)
			sim_mark(s, pfn);
	}
	s->out[index] = s->out[--s->nr_out];
	s->data[s->nr_data++] = pfn;
	sim_scribble(s, pfn, true);
	return true;
}
