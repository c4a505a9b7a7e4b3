/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all strategies share: passes over the guest, errors, the taking of the cut. */
#ifndef XL_CAPTURE_ENGINE_H
#define XL_CAPTURE_ENGINE_H

#include "capture/copier.h"
#include "capture/hashes.h"
#include "capture/params.h"
#include "cut/cut.h"
#include "page/pipeline.h"
#include "page/verdict.h"

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
	bool identified;            /* it was looked for the kernel: identify.h */
	bool follow;                /* the struct pages, to skip what is left out: skip.h */
	struct xl_verdict verdict;  /* what is left out by them; follows nothing unless `follow` */
	struct xl_bitmap out;       /* pages that need not be read by the verdict of now */
	bool stopped;               /* for progress: a pause is about to begin, in which there is none */
	bool no_log;                /* this hypervisor logs no dirty pages of such guests */

	int (*watch)(void *data); /* in a pass, before each batch; or NULL */
	void *watch_data;
};

/* The strategy that is asked for, or what `auto` tries first.  Fails if it is not for such a guest. */
_must_check_ int xl_engine_pick(struct xl_engine *e, enum xldump_strategy asked, enum xldump_strategy *ret);

/* A page as it was read: into the pipeline, and what is remembered of it for the next look. */
_must_check_ int xl_engine_put(struct xl_engine *e, xl_pfn_t pfn, uint8_t type, const uint8_t *page);

/* Copy every page of `which` that exists into the pipeline, with progress.  At the end the domain
 * is known to be alive, so that no page was missed because the whole guest went away.
 *
 * @param deadline  give up with -ETIME rather than pass it (hv clock); UINT64_MAX: never */
_must_check_ int xl_engine_pass(struct xl_engine *e, const struct xl_bitmap *which, enum xldump_phase phase,
				uint64_t deadline);

/* -ESRCH with XLDUMP_CAUSE_DOMAIN_GONE when the domain is no longer the one it was, or is dying.
 * Refreshes e->dom. */
_must_check_ int xl_engine_check_alive(struct xl_engine *e);

/* An error in words, or "the domain went away" if that is what is behind it. */
_printf_(3, 4) int xl_engine_err(struct xl_engine *e, int r, const char *fmt, ...);

/* The same, with what was asked of the hypervisor (xl_hv.doing), or that the guest outgrew the map. */
_must_check_ int xl_engine_err_doing(struct xl_engine *e, int r, const char *what);

/* Keep a page of the guest mapped until the end.  Xen gives the number of a domain to no other while
 * somebody has a page of it, even after it was destroyed (get_page(), domain_adjust_tot_pages()); so no
 * other is unpaused, or loses its dirty log, in its place.  Does without if none can be mapped.  Then
 * xl_engine_check_alive(). */
_must_check_ int xl_engine_pin(struct xl_engine *e);

/* xl_engine_check_alive() for inside the pause: without words, and dying is no error yet. */
_must_check_ int xl_engine_look(struct xl_engine *e);

/* Between two looks at a guest that has been stopped: what its devices are given to end what they had
 * begun.  There are two such times at least. */
#define XL_SETTLE_STEP_NS 200000ULL

/* Why there is no precopy of a guest of this type: the reason for rescan. */
void xl_engine_no_log(enum xldump_guest_type type, char *ret, size_t size);

/* State of the vCPUs and shared_info into the cut, and the pages that exist.  Inside the pause. */
_must_check_ int xl_engine_take_state(struct xl_engine *e);

void xl_engine_progress(struct xl_engine *e, enum xldump_phase phase, uint64_t done,
			uint64_t total);

#endif
