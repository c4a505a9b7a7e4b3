/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages in which a kernel says where it is, collected as pages pass by. */
#ifndef XL_GUEST_CANDIDATES_H
#define XL_GUEST_CANDIDATES_H

#include "base/types.h"

struct xl_symbols;
struct xl_vcpus;

/* Pages that may be the VMCOREINFO text, or a PV guest's start_info: collected as pages pass by. */
#define XL_MAX_CANDIDATES 64
#define XL_MAX_START_INFOS 4

struct xl_candidates {
	xl_pfn_t pfn[XL_MAX_CANDIDATES];
	size_t n;
	uint64_t overflow; /* further ones that were not kept */

	xl_pfn_t start_info[XL_MAX_START_INFOS];
	size_t start_infos;

	const struct xl_symbols *symbols; /* from a file that the user named, borrowed; or NULL */

	/* What tells apart the kernels that a kexec leaves in memory; borrowed, each may be NULL. */
	const struct xl_vcpus *vcpus; /* they run one of them */
	const char *noted;            /* VMCOREINFO that the dump has in its notes */
	const char *wish;             /* release or number of the one that the user wants */
};

/* Look at the first bytes of a page and remember its pfn if they are those of VMCOREINFO or of
 * start_info.  Idempotent per pfn.  Cheap: few comparisons for nearly every page. */
void xl_candidates_look(struct xl_candidates *c, xl_pfn_t pfn, const void *page);

#endif
