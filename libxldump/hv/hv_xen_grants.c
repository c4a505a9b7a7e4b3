/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seam on a real Xen: the guest's grant table.  Where it is in the guest, and which frames it
 * has granted for writing, and which of them somebody has mapped so.
 *
 * Layout of the table: xen/include/public/grant_table.h.  Version 1 has flags and frame in one entry
 * of 8 bytes; version 2 has entries of 16 bytes, and "mapped for writing" in an array of its own.
 */
#include "hv/hv_xen_private.h"

#include <string.h>
#include <sys/mman.h>
#include <xen/grant_table.h>
#include <xen/memory.h>

/* A table larger than Xen's default limit of 64 frames is possible; ten times that is not believed
 * to be one that dom0 wants to map. */
#define MAX_FRAMES (XL_MAX_XEN_FRAMES - 1)

/* Where the guest has put its grant table: XEN's answer to "set up the table as it is". */
static int table_gfns(struct xl_hv_xen *h, uint32_t domid, unsigned frames, xl_frame_t *ret)
{
	DECLARE_HYPERCALL_BUFFER(xen_pfn_t, list);
	struct gnttab_setup_table setup = { .dom = (domid_t)domid, .nr_frames = frames };
	int r = 0;

	list = xc_hypercall_buffer_alloc(h->xch, list, frames * sizeof(*list));
	if (!list)
		return -ENOMEM;
	set_xen_guest_handle(setup.frame_list, list);
	if (xc_gnttab_op(h->xch, GNTTABOP_setup_table, &setup, sizeof(setup), 1) < 0)
		r = xl_hv_errno();
	else if (setup.status != GNTST_okay)
		r = -ENOENT; /* it has not put all of it anywhere */
	else
		memcpy(ret, list, frames * sizeof(*ret));
	xc_hypercall_buffer_free(h->xch, list);
	return r;
}

int xl_hv_xen_frames(struct xl_hv *hv, const struct xl_domain *dom,
		     xl_frame_t ret[XL_MAX_XEN_FRAMES], size_t *ret_n)
{
	struct xl_hv_xen *h = xl_hv_xen(hv);
	struct gnttab_query_size size = { .dom = (domid_t)dom->domid };
	size_t n = 0;
	int r;

	ret[n++] = dom->shared_info_frame;
	if (xc_gnttab_query_size(h->xch, &size) < 0)
		return xl_hv_errno();
	/* Never more frames than it has: asking for more would give it more. */
	if (size.status == GNTST_okay && size.nr_frames > 0 && size.nr_frames <= MAX_FRAMES) {
		r = table_gfns(h, dom->domid, size.nr_frames, ret + n);
		if (r == 0)
			n += size.nr_frames;
		else if (r != -ENOENT)
			return r;
	}
	*ret_n = n;
	return 0;
}

void xl_hv_xen_grants_release(struct xl_hv_xen *h)
{
	if (h->grants.shared_res)
		(void)xenforeignmemory_unmap_resource(h->fmem, h->grants.shared_res);
	if (h->grants.status_res)
		(void)xenforeignmemory_unmap_resource(h->fmem, h->grants.status_res);
	memset(&h->grants, 0, sizeof(h->grants));
}

static int map_table(struct xl_hv_xen *h, uint32_t domid, unsigned id, unsigned frames, void **addr,
		     xenforeignmemory_resource_handle **res)
{
	*res = xenforeignmemory_map_resource(h->fmem, (domid_t)domid, XENMEM_resource_grant_table,
					     id, 0, frames, addr, PROT_READ, 0);
	return *res ? 0 : xl_hv_errno();
}

int xl_hv_xen_grants_prepare(struct xl_hv *hv, uint32_t domid)
{
	struct xl_hv_xen *h = xl_hv_xen(hv);
	struct gnttab_query_size size = { .dom = (domid_t)domid };
	void *status = NULL;
	int r;

	xl_hv_xen_grants_release(h);
	/* Not by the size of the resource: that is what the table may grow to, and mapping it all
	 * would make it grow. */
	if (xc_gnttab_query_size(h->xch, &size) < 0)
		return xl_hv_errno();
	if (size.status != GNTST_okay || size.nr_frames > MAX_FRAMES)
		return -EINVAL;
	h->grants.version = xc_gnttab_get_version(h->xch, domid);
	if (h->grants.version < 0)
		return xl_hv_errno();
	if (h->grants.version == 0 || size.nr_frames == 0)
		return 0; /* it has no table */
	h->grants.frames = size.nr_frames;
	r = map_table(h, domid, XENMEM_resource_grant_table_id_shared, size.nr_frames,
		      &h->grants.shared, &h->grants.shared_res);
	if (r == 0 && h->grants.version == 2) {
		size_t entries = size.nr_frames * XL_PAGE_SIZE / sizeof(grant_entry_v2_t);

		h->grants.status_frames =
			(unsigned)((entries * sizeof(uint16_t) + XL_PAGE_SIZE - 1) / XL_PAGE_SIZE);
		r = map_table(h, domid, XENMEM_resource_grant_table_id_status,
			      h->grants.status_frames, &status, &h->grants.status_res);
		h->grants.status = status;
	}
	if (r < 0)
		xl_hv_xen_grants_release(h);
	return r;
}

/* Flags that the guest has set, and those of Xen's, who marks what is mapped. */
static bool counts(uint16_t flags, uint16_t status, bool all)
{
	if ((flags & GTF_type_mask) != GTF_permit_access)
		return false;
	return (status & GTF_writing) || (all && !(flags & GTF_readonly));
}

static void read_v1(const struct xl_hv_xen *h, bool all, xl_frame_t *ret, size_t max, size_t *n)
{
	const volatile grant_entry_v1_t *e = h->grants.shared;
	size_t entries = h->grants.frames * XL_PAGE_SIZE / sizeof(*e);

	for (size_t i = 0; i < entries; i++) {
		uint16_t flags = e[i].flags;

		if (!counts(flags, flags, all))
			continue;
		if (*n < max)
			ret[*n] = e[i].frame;
		(*n)++;
	}
}

static void read_v2(const struct xl_hv_xen *h, bool all, xl_frame_t *ret, size_t max, size_t *n)
{
	const volatile grant_entry_v2_t *e = h->grants.shared;
	const volatile uint16_t *status = h->grants.status;
	size_t entries = h->grants.frames * XL_PAGE_SIZE / sizeof(*e);

	for (size_t i = 0; i < entries; i++) {
		if (!counts(e[i].hdr.flags, status[i], all))
			continue;
		/* A part of a page has the frame in the same place. */
		if (*n < max)
			ret[*n] = e[i].full_page.frame;
		(*n)++;
	}
}

int xl_hv_xen_grants_read(struct xl_hv *hv, bool all, xl_frame_t *ret, size_t max,
			  size_t *ret_n)
{
	const struct xl_hv_xen *h = xl_hv_xen(hv);
	size_t n = 0;

	if (h->grants.shared && h->grants.version == 1)
		read_v1(h, all, ret, max, &n);
	else if (h->grants.shared && h->grants.version == 2)
		read_v2(h, all, ret, max, &n);
	*ret_n = n;
	return 0;
}
