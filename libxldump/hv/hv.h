/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seam to the hypervisor.
 *
 * Everything that the library wants from Xen goes through this table and nothing else does, so
 * that the rest can run against a simulated host.  Rules for every slot:
 *  - returns 0 or a negative errno value, touches no out-parameter on failure, logs nothing;
 *  - works in batches: one call per page is how the tool that we replace became slow;
 *  - is filled in by every implementation; one that cannot do a thing returns -EOPNOTSUPP;
 *  - never changes the memory of a guest.
 * A slot may be called while the guest is paused unless it says otherwise.
 */
#ifndef XL_HV_HV_H
#define XL_HV_HV_H

#include <errno.h>
#include <time.h>

#include "base/bitmap.h"
#include "base/types.h"

/* The Xen structure vcpu_guest_context for x86_64, as XEN_DOMCTL_getvcpucontext returns it and as
 * section .xen_prstatus carries it (xen/include/public/arch-x86/xen.h; 5168 bytes since Xen 3).  That
 * of a 32-bit PV guest, hv/context32.h, is in the first part of as many bytes. */
#define XL_VCPU_CONTEXT_SIZE 5168

/* The Xen structure xen_version information of a host, copied into every dump: readers check it. */
struct xl_host {
	uint32_t xen_major, xen_minor;
	char xen_extra[16];      /* ".7", XEN_VERSION note */
	char compiler[64], compile_by[16], compile_domain[32], compile_date[32];
	char capabilities[1024]; /* must contain "x86_64" for readers */
	char changeset[64];
	uint64_t virt_start;     /* platform parameters: start of Xen's hole in PV guests */
	uint64_t max_mfn;        /* largest frame number of the host */
	uint64_t free_pages;     /* not given to any domain */
};

struct xl_domain {
	uint32_t domid;
	uint8_t uuid[16];
	bool pv;             /* else auto-translated: PVH or HVM */
	bool hvm_devices;    /* HVM with an emulated platform, hence a device model */
	bool paused;         /* somebody holds a toolstack pause */
	bool shutdown;
	uint8_t shutdown_reason; /* SHUTDOWN_*: 3 is a crash */
	bool dying;
	uint64_t tot_pages;  /* frames that the domain owns now */
	uint64_t max_pages;
	uint64_t paged_pages, shr_pages;
	uint32_t max_vcpu_id;
	uint32_t online_vcpus;
	xl_frame_t shared_info_frame;
};

/* Page types of a PV guest: XEN_DOMCTL_PFINFO_* >> 28. */
enum xl_page_type {
	XL_PAGE_NOTAB = 0,
	XL_PAGE_L1TAB = 1,
	XL_PAGE_L2TAB = 2,
	XL_PAGE_L3TAB = 3,
	XL_PAGE_L4TAB = 4,
	XL_PAGE_BROKEN = 0xd, /* a machine check poisoned it: must not be mapped */
	XL_PAGE_XALLOC = 0xe,
	XL_PAGE_XTAB = 0xf, /* no page, or a page of Xen's own */
};

struct xl_segment {
	uint16_t sel;
	uint32_t limit;
	uint32_t attr; /* as VMX/SVM: type, S, DPL, P in bits 0-7, AVL L D/B G in bits 8-11 */
	uint64_t base;
};

/* One vCPU at the instant of the cut. */
struct xl_vcpu {
	uint32_t id;
	bool online;    /* else all else is zero */
	bool in_kernel; /* PV: by VGCF_in_kernel, for RPL of CS is 3 there; else by the CPL */
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags;
	struct xl_segment cs, ds, es, fs, gs, ss, ldt, tr;
	struct xl_segment gdt, idt; /* base and limit only; zero for PV */
	uint64_t cr0, cr2, cr3, cr4; /* cr3 of a PV guest holds an mfn until it is canonicalised */
	uint64_t fs_base, gs_base;   /* the bases in force at the instant */
	uint64_t kernel_gs_base;     /* MSR_SHADOW_GS_BASE: what swapgs would bring */
	uint64_t efer, lstar;        /* zero for PV */
	uint8_t context[XL_VCPU_CONTEXT_SIZE]; /* the raw Xen structure; cr3s as above */
};

/* Frames of an auto-translated guest that somebody else writes without the dirty log seeing it:
 * rings shared with xenstored, xenconsoled and the device model. */
#define XL_MAX_SPECIAL 16

/* shared_info, and a grant table ten times as large as Xen's default limit. */
#define XL_MAX_XEN_FRAMES 641

struct xl_hv;

struct xl_hv_ops {
	/* ---- the host and its domains ---- */

	int (*host_info)(struct xl_hv *hv, struct xl_host *ret);

	/* -ESRCH when there is no such domain. */
	int (*domain_info)(struct xl_hv *hv, uint32_t domid, struct xl_domain *ret);

	/* Copy of at most max domains with id >= first, ascending; *ret_n says how many. */
	int (*domain_list)(struct xl_hv *hv, uint32_t first, struct xl_domain *ret, size_t max,
			   size_t *ret_n);

	/* Name in xenstore; -ENOENT when it has none. */
	int (*domain_name)(struct xl_hv *hv, uint32_t domid, char *ret, size_t size);

	/* Bits of a guest address: 64 or 32. */
	int (*guest_width)(struct xl_hv *hv, uint32_t domid, unsigned *ret);

	/* ---- memory ---- */

	/* Map n frames read-only, one page after the other.  err[i] is 0 or a negative errno for
	 * each; a page with an error must not be touched.  The call itself fails only when nothing
	 * can be mapped.  At most XL_MAP_MAX frames. */
	int (*map)(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n, int *err,
		   void **ret);
	void (*unmap)(struct xl_hv *hv, void *addr, size_t n);

	/* The type of each of n frames (PV: mfns).  At most XL_TYPES_MAX.
	 * On an auto-translated guest a frame that exists is XL_PAGE_NOTAB, a hole or a page of
	 * Xen's own XL_PAGE_XTAB; asking *populates* frames of a populate-on-demand guest, so ask
	 * pod_entries first. */
	int (*page_types)(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n,
			  uint8_t *ret);

	/* Largest gfn of an auto-translated guest, plus 1. */
	int (*nr_gfns)(struct xl_hv *hv, uint32_t domid, uint64_t *ret);

	/* Frames that exist only on paper (populate on demand). */
	int (*pod_entries)(struct xl_hv *hv, uint32_t domid, uint64_t *ret);

	/* Frames of Xen's own that an auto-translated guest has in its physmap: shared_info, its grant
	 * table.  page_types calls them XL_PAGE_XTAB, though they can be mapped and debuggers look
	 * for them.  *ret_n <= XL_MAX_XEN_FRAMES. */
	int (*xen_frames)(struct xl_hv *hv, const struct xl_domain *dom,
			  xl_frame_t ret[XL_MAX_XEN_FRAMES], size_t *ret_n);

	/* Frames written from outside unseen by the dirty log; *ret_n <= XL_MAX_SPECIAL. */
	int (*special_frames)(struct xl_hv *hv, uint32_t domid, xl_frame_t ret[XL_MAX_SPECIAL],
			      size_t *ret_n);

	/* Limit of the guest's CPU time by its scheduler, in percent of one CPU; 0: none.
	 * -EOPNOTSUPP for a scheduler without caps. */
	int (*cap_get)(struct xl_hv *hv, uint32_t domid, uint32_t *ret);
	int (*cap_set)(struct xl_hv *hv, uint32_t domid, uint32_t cap);

	/* Frames that others have mapped for writing at this moment through grants of the guest:
	 * block and network backends, mostly.  The dirty log learns of their writes only when they
	 * unmap, and some never do.  With `all`, also those that they may map, or write by having Xen
	 * copy: whatever is granted for writing.
	 * Guest-written, so they prove nothing and only ever add pages to look at.  prepare allocates
	 * and comes before the pause; read may come inside it, any number of times, and gives at most
	 * max frames; *ret_n is how many there are. */
	int (*grants_prepare)(struct xl_hv *hv, uint32_t domid);
	int (*grants_read)(struct xl_hv *hv, bool all, xl_frame_t *ret, size_t max, size_t *ret_n);

	/* Copy of the shared_info page. */
	int (*shared_info)(struct xl_hv *hv, const struct xl_domain *dom,
			   uint8_t ret[XL_PAGE_SIZE]);

	/* ---- dirty logging ---- */

	/* Switch it on for pfns below nr.  The log starts clean: everything must be copied once
	 * after this.  -EBUSY when it is on already or a device is passed through (Xen does not
	 * tell which), -EOPNOTSUPP when this hypervisor cannot log this guest. */
	int (*logdirty_start)(struct xl_hv *hv, uint32_t domid, uint64_t nr);

	/* Fetch the pages dirtied since the last fetch and reset the log.  The whole domain is
	 * paused by Xen meanwhile.  `last` also marks pages that Xen itself may write.  ret has at
	 * least nr bits, of logdirty_start.  -EINVAL or -ESRCH for a dying domain; -ENOMEM when Xen
	 * lost track: nothing that was copied can be trusted then. */
	int (*logdirty_fetch)(struct xl_hv *hv, uint32_t domid, bool last, struct xl_bitmap *ret);

	/* Number of dirty pages, without fetching or resetting. */
	int (*logdirty_count)(struct xl_hv *hv, uint32_t domid, uint64_t *ret);

	int (*logdirty_stop)(struct xl_hv *hv, uint32_t domid);

	/* Have the device model report the pages that it writes.  Only for hvm_devices; talks to
	 * another process, so never while the guest is paused. */
	int (*dm_logdirty)(struct xl_hv *hv, const struct xl_domain *dom, bool on);

	/* ---- running ---- */

	/* Counted and synchronous: when it returns no vCPU runs.  Each needs exactly one unpause. */
	int (*pause)(struct xl_hv *hv, uint32_t domid);
	int (*unpause)(struct xl_hv *hv, uint32_t domid);

	/* State of vCPUs 0 .. n-1; the domain must be paused or shut down, or they are not of one
	 * instant.  Allocates nothing.
	 *
	 * @param narrow  a PV guest of 32 bits, as guest_width() says: not asked for again */
	int (*vcpus)(struct xl_hv *hv, const struct xl_domain *dom, bool narrow, struct xl_vcpu *ret,
		     size_t n);

	/* ---- clocks ---- */

	uint64_t (*now_ns)(struct xl_hv *hv); /* monotonic */
	void (*realtime)(struct xl_hv *hv, struct timespec *ret);
	void (*sleep_ns)(struct xl_hv *hv, uint64_t ns);

	void (*close)(struct xl_hv *hv);
};

/* Limits of one call: copying is fastest with 256 to 1024 frames in a mapping, and
 * getpageframeinfo3 takes 1024. */
#define XL_MAP_MAX 1024
#define XL_TYPES_MAX 1024

/* Of the errors that a mapping has for single pages: whether another attempt may succeed.  All
 * others say that there is no such page. */
static inline bool xl_map_err_passes(int err)
{
	return err == -ENOMEM || err == -EAGAIN || err == -EBUSY || err == -EINTR;
}

/* Of the errors of whole operations: whether nothing was done for a reason that may pass.  -EBUSY is
 * none of them: logdirty_start() says by it that the log is in use. */
static inline bool xl_err_passes(int err)
{
	return err == -ENOMEM || err == -EAGAIN || err == -EINTR;
}

/* The start of every implementation's own structure. */
struct xl_hv {
	const struct xl_hv_ops *ops;
	const char *doing; /* what is asked of it, in words; kept where no message can be made yet */
	bool hasty;        /* whoever calls has another way: no patience (patience.h) */
};

#endif
