/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all strategies share: passes over the guest, the look at its kernel, the taking of the cut. */
#ifndef XL_CAPTURE_ENGINE_H
#define XL_CAPTURE_ENGINE_H

#include "capture/capture.h"
#include "capture/copier.h"
#include "capture/hashes.h"
#include "capture/pause.h"

struct xl_engine {
	struct xl_ctx *x;
	struct xl_hv *hv;
	struct xl_domain dom;
	const struct xl_capture_params *p;
	struct xl_physmap *map;
	struct xl_pipeline *pipe;
	struct xl_cut *cut;
	struct xl_copier copier;
	uint64_t max_pause_ns;      /* 0: no limit, or one that was lifted */
	struct xl_bitmap must_read; /* pages that the last copy takes whether dirty or not */
	uint64_t copy_until;        /* hv clock; UINT64_MAX but in a long pause that has a limit */
	struct xl_hashes hashes;    /* of every page as it was put; none if nobody asks */
	bool follow;                /* the struct pages, to skip what is left out: skip.h */
	bool no_log;                /* this hypervisor logs no dirty pages of such guests */

	int (*watch)(void *data); /* in a pass, before each batch; or NULL */
	void *watch_data;
};

/* The strategy that is asked for, or what `auto` tries first.  Fails if it is not for such a guest. */
int xl_engine_pick(struct xl_engine *e, enum xldump_strategy asked, enum xldump_strategy *ret);

/* Copy every page of `which` that exists into the pipeline, with progress.  At the end the domain
 * is known to be alive, so that no page was missed because the whole guest went away.
 *
 * @param deadline  give up with -ETIME rather than pass it (hv clock); UINT64_MAX: never */
int xl_engine_pass(struct xl_engine *e, const struct xl_bitmap *which, enum xldump_phase phase,
		   uint64_t deadline);

/* The kernel among the pages that passed, if it is one: what xl_kernel_identify() returns.
 *
 * @param ret  xl_kernel_deinit() frees it */
int xl_engine_try_identify(struct xl_engine *e, struct xl_kernel *ret);

/* Look for the guest's kernel among the pages that passed; fills cut->kernel.  Not finding one is
 * no error.  Marks the page that must be patched as one that must be read again. */
int xl_engine_identify(struct xl_engine *e);

/* With a dump level: find the pages that must be seen at T to judge which are left out, and have the
 * pipeline keep them.  They count as never read afterwards.  Part of xl_engine_identify(). */
int xl_engine_plan_filter(struct xl_engine *e);

/* -ESRCH with XLDUMP_CAUSE_DOMAIN_GONE when the domain is no longer the one it was, or is dying.
 * Refreshes e->dom. */
int xl_engine_check_alive(struct xl_engine *e);

/* An error in words, or "the domain went away" if that is what is behind it. */
_printf_(3, 4) int xl_engine_err(struct xl_engine *e, int r, const char *fmt, ...);

/* The same, with what was asked of the hypervisor (xl_hv.doing), or that the guest outgrew the map. */
int xl_engine_err_doing(struct xl_engine *e, int r, const char *what);

/* Keep a page of the guest mapped until the end.  Xen gives the number of a domain to no other while
 * somebody has a page of it, even after it was destroyed (get_page(), domain_adjust_tot_pages()); so no
 * other is unpaused, or loses its dirty log, in its place.  Does without if none can be mapped.  Then
 * xl_engine_check_alive(). */
int xl_engine_pin(struct xl_engine *e);

/* xl_engine_check_alive() for inside the pause: without words, and dying is no error yet. */
int xl_engine_look(struct xl_engine *e);

/* The limit of the pause cannot be kept.  True if the user prefers a longer pause to none: the limit
 * is gone then, and the cut says so. */
bool xl_engine_lift_limit(struct xl_engine *e);

/* Between two looks at a guest that has been stopped: what its devices are given to end what they had
 * begun.  There are two such times at least. */
#define XL_SETTLE_STEP_NS 200000ULL

/* Why there is no precopy of a guest of this type: the reason for rescan. */
void xl_engine_no_log(enum xldump_guest_type type, char *ret, size_t size);

/* The nth part that is not planned with where all memory is read while the guest stands still. */
#define XL_ENGINE_RESERVE 8

/* What of the limit a prediction may use, if an nth of it is kept for what takes longer than foreseen. */
static inline uint64_t xl_engine_plannable(const struct xl_engine *e, unsigned nth)
{
	return e->max_pause_ns - e->max_pause_ns / nth;
}

/* It cannot be kept, and there is nothing more to be done about it.
 *
 * @param why      half a sentence for the user, or ""
 * @param foreseen the pause, predicted; if that could be planned with, the pauses took longer */
int xl_engine_fail_limit(struct xl_engine *e, const char *why, uint64_t foreseen, unsigned nth);

/* When the copy inside a pause that began at `since` must be done to keep the limit; UINT64_MAX when
 * there is none. */
uint64_t xl_engine_copy_until(const struct xl_engine *e, uint64_t since);

/* Warn about a pause that has broken the limit all the same. */
void xl_engine_tell_overrun(struct xl_engine *e, uint64_t lasted);

/* State of the vCPUs and shared_info into the cut, and the pages that exist.  Inside the pause. */
int xl_engine_take_state(struct xl_engine *e);

void xl_engine_progress(struct xl_engine *e, enum xldump_phase phase, uint64_t done,
			uint64_t total);

#endif
