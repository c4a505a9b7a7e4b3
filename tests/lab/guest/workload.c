/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What workloads share: time, pace, locked memory; and the two that need nothing else. */
#include "workload.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE_SIZE 4096ul

/* A loop without a limit still looks at the clock after this many steps. */
#define STEPS_UNLIMITED 4096ul

/* Wake up this often: short enough that the dirty rate is even, long enough to leave an emulated
 * CPU alone. */
#define PACE_SLEEP_NS 10000000l

unsigned long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long long)t.tv_sec * 1000000000ull + (unsigned long long)t.tv_nsec;
}

void pace_init(struct pace *p, unsigned long rate)
{
	p->rate = rate;
	p->start_ns = now_ns();
	p->done = 0;
}

/* A guest that was paused or starved does not make up for it: at most a tenth of a second of
 * steps is handed out at once, and the rest is forgiven. */
unsigned long pace_wait(struct pace *p)
{
	struct timespec nap = { 0, PACE_SLEEP_NS };
	unsigned long long due, most = p->rate / 10 + 1;

	if (p->rate == 0)
		return STEPS_UNLIMITED;
	for (;;) {
		due = (unsigned long long)((double)(now_ns() - p->start_ns) * (double)p->rate / 1e9);
		if (due > p->done)
			break;
		nanosleep(&nap, NULL);
	}
	due -= p->done;
	if (due > most) {
		pace_init(p, p->rate);
		return (unsigned long)most;
	}
	p->done += due;
	return (unsigned long)due;
}

void *workload_pages(unsigned long npages)
{
	size_t size = npages * PAGE_SIZE;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		printf("workload: no memory for %lu pages\n", npages);
		exit(1);
	}
	/* Single pages, scattered over the guest's memory, are the harder case for a dump. */
	(void)madvise(p, size, MADV_NOHUGEPAGE);
	memset(p, 0, size);
	if (mlock(p, size) < 0) {
		printf("workload: cannot lock %lu pages\n", npages);
		exit(1);
	}
	return p;
}

void workload_idle(const char *args)
{
	(void)args;
	workload_ready();
	for (;;)
		pause();
}

/* panic[=SECONDS]: a crash some seconds after the guest became ready. */
void workload_panic(const char *args)
{
	unsigned long seconds = *args ? strtoul(args, NULL, 0) : 5;
	int fd;

	workload_ready();
	sleep((unsigned)seconds);
	printf("panic: now\n");
	fd = open("/proc/sysrq-trigger", O_WRONLY);
	if (fd < 0 || write(fd, "c", 1) != 1)
		printf("panic: cannot write to /proc/sysrq-trigger\n");
}
