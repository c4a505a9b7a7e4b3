/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cut: what was true of the guest at the one instant T at which the dump is consistent, and
 * how it was taken.  Made by capture, read by page and format. */
#ifndef XL_CUT_CUT_H
#define XL_CUT_CUT_H

#include <time.h>

#include "base/bitmap.h"
#include "base/types.h"
#include "guest/kernel.h"
#include "guest/page_kind.h"
#include "hv/hv.h"
#include "xldump.h"

/* 8 bytes that differ between the guest and the dump, with what the guest had. */
struct xl_edit {
	uint64_t paddr; /* 8-byte aligned */
	uint64_t old;
};

/* A guest can make its page tables nothing but entries that must go, so there is an end to what is
 * kept of them: 64 MiB.  A guest that does not aim at us has a few dozen. */
#define XL_MAX_EDITS ((size_t)4 << 20)

struct xl_edits {
	struct xl_edit *edit;
	size_t n, allocated;
	uint64_t lost; /* edits made but not kept: XL_MAX_EDITS was reached */
};

/* 0, also when it is only counted as lost, or -ENOMEM. */
_must_check_ int xl_edits_add(struct xl_edits *e, uint64_t paddr, uint64_t old);
void xl_edits_deinit(struct xl_edits *e);

/* A page table of a PV guest.  Where it was rewritten, it can be undone with the p2m and the edits. */
struct xl_table {
	xl_pfn_t pfn;
	unsigned level; /* 1 to 4 */
};

#define XL_MAX_ROUNDS 64

/* One pass over the guest, or over what it dirtied. */
struct xl_round {
	uint64_t dirty;  /* pages that this round had to copy */
	uint64_t copied; /* pages that it copied: dirty, less those that had vanished */
	uint64_t ns;
};

/* What the guest was stopped for. */
struct xl_pause_times {
	uint64_t total; /* pause called .. unpause returned */
	uint64_t settle, fetch, p2m, copy, vcpus;
};

/* Notes of a dump that is written again, byte for byte, each padded to 4. */
struct xl_kept_notes {
	uint8_t *data;
	size_t len;
	bool registers;             /* those of the vCPUs are among them: none are made */
	size_t vmcoreinfo;          /* offset of that text, which ends with the note; 0: not among them */
	size_t eraseinfo, eraseinfo_len; /* what makedumpfile says it has erased; 0: nothing */
};

struct xl_cut {
	struct xl_host host;
	struct xl_domain dom;
	char name[XLDUMP_NAME_MAX];
	enum xldump_guest_type type;

	/* How. */
	enum xldump_strategy strategy;
	char reason[256]; /* why not a better strategy; "" otherwise */
	struct xl_round round[XL_MAX_ROUNDS]; /* the last one ran inside the pause (precopy) */
	unsigned rounds;
	struct xl_pause_times pause_ns;
	struct timespec instant; /* T */
	bool was_stopped;

	/* What, at T. */
	uint64_t nr_pfns;
	struct xl_bitmap present; /* pages of the dump */

	/* Pages that were not read in their last state, as they will be left out; they are in present
	 * until it is judged what is. */
	struct xl_bitmap skipped;

	/* Pages that exist and are left out, none of them in present; no words when there are none. */
	struct xl_bitmap excluded;
	unsigned dump_level;                /* by which they are */
	uint64_t excluded_count[_XL_KINDS]; /* of them, by kind */
	uint64_t unjudged;                  /* in present: their struct page could not be read */

	bool narrow;              /* a PV guest of 32 bits: three levels, contexts of context32.h */
	const xl_mfn_t *p2m;      /* PV: as it was at T, borrowed; NULL otherwise */
	struct xl_vcpu *vcpu;     /* index is the vCPU's id; cr3s canonical unless raw */
	uint32_t vcpus;
	bool has_shared_info;
	uint8_t shared_info[XL_PAGE_SIZE];
	struct xl_kernel kernel;  /* kernel.vmcoreinfo is NULL if none was found */

	/* PV: page tables and CR3s hold frames of the host, as in the guest, and nothing is changed.
	 * table[] names them all the same. */
	bool raw;

	/* What is not as in the guest. */
	struct xl_edits edits;
	struct xl_table *table; /* ascending by pfn; NULL if auto-translated */
	size_t tables;
	struct xl_bitmap suspect; /* pages that may not be as at T; no words when there are none */
	uint64_t suspects;        /* number of bits set in it */

	/* The text of our own note, borrowed: of a dump that is written again it stays what it was.
	 * NULL: it is made of all this.  "": there is none. */
	const char *note;

	struct xl_kept_notes kept;
};

/* Frees what the cut owns; accepts a zeroed one. */
void xl_cut_deinit(struct xl_cut *c);

#endif
