/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The workloads of a guest, one file each. */
#ifndef LAB_GUEST_WORKLOAD_H
#define LAB_GUEST_WORKLOAD_H

/* A workload runs in a process of its own, with the text after `NAME=` of the kernel command line
 * (empty if there was none).  It calls workload_ready() once when its memory is set up, and does
 * not return unless it failed. */
typedef void workload_fn(const char *args);

workload_fn workload_idle;
workload_fn workload_dirty;
workload_fn workload_stamp;
workload_fn workload_panic;

/* Tell init that the guest may be called ready. */
void workload_ready(void);

/* Locked, touched pages; exits with a message when there is no memory. */
void *workload_pages(unsigned long npages);

/* Pace a loop: returns how many steps are due now, sleeping until there is at least one.
 * rate is in steps per second; 0 means no limit. */
struct pace {
	unsigned long rate;
	unsigned long long start_ns, done;
};
void pace_init(struct pace *p, unsigned long rate);
unsigned long pace_wait(struct pace *p);

unsigned long long now_ns(void);

#endif
