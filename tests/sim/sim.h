/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host in a box: the seam to the hypervisor (hv/hv.h) as a model with memory, time and guests.
 *
 * Every operation of the seam costs virtual time, and what the guests, their devices and other
 * tools do meanwhile happens inside the operation.  Between two operations nothing moves, so a
 * mapping may show the live frame.  Everything follows from the seed.
 *
 * The instant T of a dump is when it asked for the time in a pause of ours, the last time that it did.
 * What the guest was then is kept in struct sim_truth, and sim_check() holds the dump against it.
 */
#ifndef XLDUMP_TESTS_SIM_H
#define XLDUMP_TESTS_SIM_H

#include "capture/capture.h"
#include "hv/hv.h"

/* ---- operations, by which faults are placed ---- */

#define SIM_OPS(_)                                                                                 \
	_(host_info) _(domain_info) _(domain_list) _(domain_name) _(guest_width) _(map) _(unmap)   \
	_(page_types) _(nr_gfns) _(pod_entries) _(xen_frames) _(special_frames) _(cap_get) _(cap_set) _(grants_prepare) _(grants_read) _(shared_info)                   \
	_(logdirty_start) _(logdirty_fetch) _(logdirty_count) _(logdirty_stop) _(dm_logdirty)      \
	_(pause) _(unpause) _(vcpus) _(sleep_ns)

enum sim_op {
#define _(op) SIM_##op,
	SIM_OPS(_)
#undef _
	SIM_NR_OPS
};

extern const char *const sim_op_name[SIM_NR_OPS];

/* ---- what goes on ---- */

/* Programs of the guest, and of others around it. */
enum sim_program_id {
	SIM_DIRTIER,    /* writes anywhere */
	SIM_STAMPER,    /* writes i to page i mod n, in this order */
	SIM_TABLES,     /* PV: changes entries, makes and unmakes page tables */
	SIM_BALLOONER,  /* gives pages back and takes pages, at the same place, too */
	SIM_P2M_MOVER,  /* PV: puts pages of its p2m elsewhere */
	SIM_CRASHER,    /* crashes at a random moment */
	SIM_DESTROYER,  /* is destroyed at a random moment */
	SIM_OTHER,      /* somebody else pauses and unpauses it */
	SIM_DEVICE,     /* a device ends its requests, also after the vCPUs have stopped */
	SIM_RINGS,      /* others write into the rings, unseen by the log */
	SIM_GRANTS,     /* a backend keeps pages mapped and writes to them, unseen by the log */
	SIM_XEN,        /* HVM: the hypervisor writes to pages that it has mapped for good */
	SIM_THIEF,      /* a migration takes the dirty log, fetches it, and switches it off in the end */
	SIM_NR_PROGRAMS
};

#define SIM_RUN(program) (1u << (program))

struct sim;

struct sim_program {
	void (*act)(struct sim *s);
	uint64_t interval; /* virtual ns, on average; 0: does not run */
	uint64_t next;
	bool always;       /* also while no vCPU runs */
};

/* Where in a dump a call is. */
enum sim_phase { SIM_BEFORE, SIM_LOGGING, SIM_PAUSED, SIM_AFTER, SIM_NR_PHASES };

/* Make the nth call (from 1) of an operation fail. */
struct sim_fault {
	enum sim_op op;
	uint64_t nth; /* 0: none */
	int err;      /* negative errno */
	bool sticks;  /* every later one, too */
	bool late;    /* after it has done its work */
	bool page;    /* of a mapping: the call succeeds, and one of its pages has the error */
	bool hit;
};

struct sim_params {
	uint64_t seed;
	enum xldump_guest_type type;
	unsigned xen_minor;      /* 4.x; 0: 4.20 */
	uint64_t pages;          /* memory of the guest; 0: by the seed */
	bool no_shadow;          /* PV: the hypervisor cannot log */
	bool three_level;        /* PV: the old form of p2m */
	bool narrow;             /* PV: of 32 bits */
	uint32_t vcpus;          /* the last one, and number 100, are offline; 0: SIM_USUAL_VCPUS */
	bool high;               /* auto-translated: a part of the memory above 4 GiB */
	bool compact;            /* auto-translated: special pages right behind the memory */
	unsigned programs;       /* SIM_RUN() */
	uint64_t dirty_interval; /* of SIM_DIRTIER; 0: by the seed */
	bool late_write;         /* a device ends a request while the stopped guest is copied */
	unsigned slow_pause;     /* reading takes so many times as long in a pause of ours; 0: once */
	unsigned restless;       /* writes of rings and grants into a stopped guest; 0: one */
	bool young_write;        /* a page comes back right after a fetch, is read, and written again */
	const struct xl_symbols *symbols; /* that the user named */
	uint64_t die_at;         /* the domain is destroyed when this many operations were begun */
};

/* ---- the host ---- */

struct sim_frame {
	uint8_t owner;   /* enum sim_owner */
	uint8_t type;    /* enum xl_page_type */
	bool unarmed;    /* added since the last fetch: its writes are not logged */
	xl_pfn_t m2p;
	uint32_t gen;    /* number of writes */
};

enum sim_owner { SIM_FREE, SIM_GUEST, SIM_STRANGER, SIM_HYPERVISOR };

#define SIM_DOMID 7
#define SIM_USUAL_VCPUS 3
#define SIM_MAX_SPECIAL 4
#define SIM_NR_XEN_MAPPED 2
#define SIM_NR_GRANTED 5
#define SIM_NR_LENT 12
#define SIM_NR_TABLES 64

/* The guest at T. */
struct sim_truth {
	bool taken;
	uint64_t at;             /* virtual clock */
	xl_pfn_t *pfn;           /* of each page, ascending */
	xl_mfn_t *mfn;
	uint32_t *gen;
	uint8_t *type;
	uint8_t *page;
	size_t n, cap;
	struct xl_vcpu *vcpu;
	uint8_t shared_info[XL_PAGE_SIZE];
};

/* Memory that outlives the host and serves the next one. */
struct sim_kept {
	int fd;
	uint8_t *mem;
	size_t pages;
};

struct sim {
	struct xl_hv hv; /* must be the first */
	struct sim_params params;
	uint64_t rng, clock;

	struct sim_kept ram_kept, truth_kept;
	int memfd;
	uint8_t *ram;    /* all frames */
	uint64_t nr_frames;
	struct sim_frame *frame;
	xl_mfn_t *free_ring; /* first freed, first used again */
	size_t free_head, nr_free;

	/* The one domain that matters. */
	struct xl_domain dom;    /* but for the counts, which are below */
	int pauses_ours, pauses_other;
	uint64_t tot_pages, max_pages;
	bool gone;
	uint32_t *p2m;           /* mfn by pfn or gfn; 0: hole.  A PV guest's own is in its memory */
	uint64_t nr_pfns;
	uint8_t *seen_absent;    /* by gfn: somebody found it missing */
	uint64_t pod;
	uint64_t vcpu_gen;
	uint64_t kernel_cr3; /* if not 0: vCPUs that are online run kernel code by these tables */
	uint64_t stale_cr3;  /* so many looks at the vCPUs find these tables instead */
	unsigned stale_looks;
	uint8_t shared_info[XL_PAGE_SIZE];

	xl_pfn_t *data;          /* pages that programs may write at will */
	size_t nr_data;
	xl_pfn_t *out;           /* ballooned out */
	size_t nr_out;
	xl_pfn_t xen_page;       /* auto-translated: a page of Xen's own in its space */
	uint32_t cap;            /* of its CPU time, in percent of one CPU; 0: none */
	xl_frame_t special[SIM_MAX_SPECIAL];
	size_t nr_special;
	xl_pfn_t granted[SIM_NR_GRANTED];
	size_t nr_granted;
	xl_pfn_t lent[SIM_NR_LENT]; /* granted, and mapped only for as long as a request takes */
	size_t nr_lent;
	xl_pfn_t dma_page;       /* plus 1: a device writes to it; 0: to none */
	xl_pfn_t xen_mapped[SIM_NR_XEN_MAPPED];
	size_t nr_xen_mapped;

	/* PV. */
	xl_pfn_t *p2m_page;      /* where the pages of its p2m are */
	size_t nr_p2m_pages;
	xl_pfn_t p2m_table[8];   /* linear: L4 (not of 32 bits), L3, L2, then the L1s; else: top, mid */
	xl_pfn_t table[SIM_NR_TABLES]; /* page tables of processes */
	size_t nr_tables;
	xl_pfn_t top;            /* L4 of the vCPUs, or L3 of 32 bits */
	xl_mfn_t compat_m2p[2];  /* of 32 bits: frames of Xen's that all L2s of the last GiB map */

	/* Dirty log. */
	bool log_on, dm_on;
	struct xl_bitmap log;
	uint64_t log_count, log_nr;
	bool log_broken;         /* Xen ran out of memory for it */
	unsigned thief_acts;     /* of SIM_THIEF; it has the log from the first to the last of them */
	bool thief_lost;         /* and somebody switched it off meanwhile */

	struct sim_program program[SIM_NR_PROGRAMS];
	uint64_t stamp;
	bool late_done;
	xl_pfn_t young;          /* the page of young_write; 0: not yet, or over */
	bool young_done, young_read;
	unsigned in_flight, ring_in_flight, grant_in_flight;

	/* Us. */
	uint64_t ops, calls[SIM_NR_OPS];
	uint64_t first[SIM_NR_OPS][SIM_NR_PHASES]; /* number of its first call in each phase; 0: none */
	struct sim_fault fault;
	size_t mapped;           /* pages */
	uint64_t paused_at, longest_pause;
	uint64_t pause_limit;    /* nothing is to be read in a pause that is over it already; 0: none */
	uint64_t kill_at;        /* the caller is killed when it has begun or ended so many operations */
	uint64_t steps;
	bool inside;             /* an operation is under way */
	char broken[160];        /* a rule of the seam that was broken */
	struct sim_truth truth;
};

int sim_create(const struct sim_params *params, struct sim **ret);
void sim_destroy(struct sim *s);

static inline void sim_destroyp(struct sim **s)
{
	sim_destroy(*s);
}

/* ---- for the parts of the simulator ---- */

uint64_t sim_random(struct sim *s);
/* 0 .. n-1 */
uint64_t sim_below(struct sim *s, uint64_t n);

static inline struct sim *sim_of(struct xl_hv *hv)
{
	return (struct sim *)hv;
}

static inline uint8_t *sim_page(struct sim *s, xl_mfn_t mfn)
{
	return s->ram + mfn * XL_PAGE_SIZE;
}

#define SIM_THIEF_ACTS 6

static inline bool sim_stolen(const struct sim *s)
{
	return s->thief_acts > 0 && s->thief_acts < SIM_THIEF_ACTS;
}

static inline bool sim_running(const struct sim *s)
{
	return !s->pauses_ours && !s->pauses_other && !s->dom.shutdown && !s->dom.dying;
}

/* Virtual time goes by, and with it what happens in it. */
void sim_advance(struct sim *s, uint64_t ns);

/* Keep the guest as it is now. */
void sim_take_truth(struct sim *s);

void *sim_calloc(size_t n, size_t size);
void sim_mfree(void *mem);

/* 0: no frame left. */
xl_mfn_t sim_alloc(struct sim *s, enum sim_owner owner, xl_pfn_t pfn);
void sim_free(struct sim *s, xl_mfn_t mfn);

void sim_mark(struct sim *s, xl_pfn_t pfn);
/* A write by the guest's vCPUs, or one that is logged all the same. */
void sim_write(struct sim *s, xl_pfn_t pfn, size_t off, const void *data, size_t len);
void sim_write_unlogged(struct sim *s, xl_pfn_t pfn, size_t off, const void *data, size_t len);
void sim_write64(struct sim *s, xl_pfn_t pfn, size_t index, uint64_t value);
uint64_t sim_read64(struct sim *s, xl_pfn_t pfn, size_t index);
/* Write number, pfn and a few bytes in between. */
void sim_scribble(struct sim *s, xl_pfn_t pfn, bool logged);

/* Violations of the seam's rules are kept, and fail the check. */
_printf_(2, 3) void sim_broken(struct sim *s, const char *fmt, ...);

int sim_pv_create(struct sim *s);
/* As a register of the guest's width has it. */
uint64_t sim_pv_cr3(const struct sim *s, xl_pfn_t top);
void sim_pv_set_p2m(struct sim *s, xl_pfn_t pfn, xl_mfn_t mfn);
void sim_pv_tables_act(struct sim *s);
void sim_pv_move_p2m(struct sim *s);
int sim_auto_create(struct sim *s);
bool sim_balloon_out(struct sim *s, size_t index);
bool sim_balloon_in(struct sim *s, size_t index);
void sim_programs_init(struct sim *s);
void sim_die(struct sim *s);
void sim_vcpu(const struct sim *s, uint32_t id, struct xl_vcpu *ret);

/* The halves of the table. */
int sim_enter(struct sim *s, enum sim_op op, uint64_t cost);
int sim_leave(struct sim *s, enum sim_op op, uint64_t cost);
/* The error of one page of the mapping under way, or 0. */
int sim_page_fault(struct sim *s);
/* It changes the domain with that number, whichever it is. */
void sim_touch(struct sim *s, enum sim_op op);
int sim_hv_map(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n, int *err,
	       void **ret);
void sim_hv_unmap(struct xl_hv *hv, void *addr, size_t n);
int sim_hv_page_types(struct xl_hv *hv, uint32_t domid, const xl_frame_t *frame, size_t n,
		      uint8_t *ret);
int sim_hv_nr_gfns(struct xl_hv *hv, uint32_t domid, uint64_t *ret);
int sim_hv_pod_entries(struct xl_hv *hv, uint32_t domid, uint64_t *ret);
int sim_hv_special_frames(struct xl_hv *hv, uint32_t domid, xl_frame_t ret[XL_MAX_SPECIAL],
			  size_t *ret_n);
int sim_hv_xen_frames(struct xl_hv *hv, const struct xl_domain *dom,
		      xl_frame_t ret[XL_MAX_XEN_FRAMES], size_t *ret_n);
int sim_hv_grants_prepare(struct xl_hv *hv, uint32_t domid);
int sim_hv_grants_read(struct xl_hv *hv, bool all, xl_frame_t *ret, size_t max, size_t *ret_n);
int sim_hv_shared_info(struct xl_hv *hv, const struct xl_domain *dom, uint8_t ret[XL_PAGE_SIZE]);
int sim_hv_logdirty_start(struct xl_hv *hv, uint32_t domid, uint64_t nr);
int sim_hv_logdirty_fetch(struct xl_hv *hv, uint32_t domid, bool last, struct xl_bitmap *ret);
int sim_hv_logdirty_count(struct xl_hv *hv, uint32_t domid, uint64_t *ret);
int sim_hv_logdirty_stop(struct xl_hv *hv, uint32_t domid);
int sim_hv_dm_logdirty(struct xl_hv *hv, const struct xl_domain *dom, bool on);

extern const struct xl_hv_ops sim_hv_ops;

#endif
