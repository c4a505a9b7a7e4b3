/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frame numbers and page constants.  The names are Xen's:
 *
 *   pfn   frame number in the guest's own (pseudo-)physical address space; what a dump is indexed by
 *   gfn   the same for an auto-translated guest (PVH, HVM); Xen translates it
 *   mfn   frame number of the host; a PV guest's page tables and p2m hold these
 *   frame what must be given to the hypervisor to map a page: mfn for PV, gfn otherwise
 */
#ifndef XL_BASE_TYPES_H
#define XL_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

_Static_assert(sizeof(off_t) == 8, "a dump is larger than 2 GiB: build with _FILE_OFFSET_BITS=64");

typedef uint64_t xl_pfn_t;
typedef uint64_t xl_mfn_t;
typedef uint64_t xl_frame_t;

#define XL_PAGE_SHIFT 12
#define XL_PAGE_SIZE ((size_t)1 << XL_PAGE_SHIFT)
#define XL_PAGE_MASK (XL_PAGE_SIZE - 1)
#define XL_PTES_PER_PAGE 512

/* "no frame": a hole in the p2m.  Xen's INVALID_MFN. */
#define XL_INVALID_FRAME (~(uint64_t)0)

/* The largest pfn + 1 that we accept from a guest: 16 TiB of guest memory, Xen's own limit for
 * x86 HVM guests (docs/support-matrix).  Bounds every allocation sized by the guest. */
#define XL_MAX_PFNS ((uint64_t)1 << 32)

#define XL_MAX_VCPUS 8192 /* Xen's MAX_VIRT_CPUS (xen/include/public/xen.h) */

#endif
