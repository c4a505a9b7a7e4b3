/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Polite answers of a hypervisor, for the tests' own: each says only what it does otherwise. */
#ifndef TESTS_UNIT_HV_STUB_H
#define TESTS_UNIT_HV_STUB_H

#include "hv/hv.h"

/* Fills the operations that are NULL: Xen 4.17 with domain 0 alone; no frames of Xen's own, no grants, no device
 * model, no cap, no copy of shared_info; guests of 64 bits; real clocks.  There is none for map, unmap,
 * page_types, nr_gfns, the log, pause, unpause and vcpus: they are the guest.  Returns ops. */
const struct xl_hv_ops *hv_stub(struct xl_hv_ops *ops);

#endif
