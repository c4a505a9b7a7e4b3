/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seam on a real Xen: the scheduler's cap on a guest's CPU time. */
#include "hv/hv_xen_private.h"

static int scheduler(struct xl_hv_xen *h)
{
	int id;

	return xc_sched_id(h->xch, &id) < 0 ? xl_hv_errno() : id;
}

int xl_hv_xen_cap_get(struct xl_hv *hv, uint32_t domid, uint32_t *ret)
{
	struct xl_hv_xen *h = xl_hv_xen(hv);

	switch (scheduler(h)) {
	case XEN_SCHEDULER_CREDIT: {
		struct xen_domctl_sched_credit s;

		if (xc_sched_credit_domain_get(h->xch, domid, &s) < 0)
			return xl_hv_errno();
		*ret = s.cap;
		return 0;
	}
	case XEN_SCHEDULER_CREDIT2: {
		struct xen_domctl_sched_credit2 s;

		if (xc_sched_credit2_domain_get(h->xch, domid, &s) < 0)
			return xl_hv_errno();
		*ret = s.cap;
		return 0;
	}
	default:
		return -EOPNOTSUPP;
	}
}

/* The weight is set together with the cap: it is read first and stays. */
int xl_hv_xen_cap_set(struct xl_hv *hv, uint32_t domid, uint32_t cap)
{
	struct xl_hv_xen *h = xl_hv_xen(hv);

	switch (scheduler(h)) {
	case XEN_SCHEDULER_CREDIT: {
		struct xen_domctl_sched_credit s;

		if (xc_sched_credit_domain_get(h->xch, domid, &s) < 0)
			return xl_hv_errno();
		s.cap = (uint16_t)cap;
		return xc_sched_credit_domain_set(h->xch, domid, &s) < 0 ? xl_hv_errno() : 0;
	}
	case XEN_SCHEDULER_CREDIT2: {
		struct xen_domctl_sched_credit2 s;

		if (xc_sched_credit2_domain_get(h->xch, domid, &s) < 0)
			return xl_hv_errno();
		s.cap = (uint16_t)cap;
		return xc_sched_credit2_domain_set(h->xch, domid, &s) < 0 ? xl_hv_errno() : 0;
	}
	default:
		return -EOPNOTSUPP;
	}
}
