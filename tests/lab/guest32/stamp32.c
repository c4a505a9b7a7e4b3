/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole PV guest of 32 bits, which does nothing but stamp: no Linux can be one any more.
 *
 * Xen starts it with all of its memory that it needs mapped at virtual = pseudo-physical addresses.  It
 * publishes its p2m in the three-level form, says on its console that it is ready, and writes a counter
 * round a ring of pages for ever, as ../guest/stamp.h says; now and then it tells the counter.
 *
 * The interface is that of xen/include/public/xen.h, arch-x86/xen-x86_32.h, io/console.h and elfnote.h.
 * Places in structures of 32 bits are written down as numbers, for there may be no headers for them.
 */
#include "../guest/stamp.h"

#define PAGES 256
#define BATCH 64        /* stamps between two offers of the CPU to others */
#define REPORT 16384    /* batches between two lines */

#define HYPERCALL_UPDATE_VA_MAPPING 14
#define HYPERCALL_SCHED_OP 29
#define HYPERCALL_EVENT_CHANNEL_OP 32
#define UVMF_INVLPG 2
#define SCHEDOP_YIELD 0
#define EVTCHNOP_SEND 4

#define PTE_BITS 7 /* present, writable, user: the kernel runs in ring 1, and Xen insists on that */

/* struct start_info */
#define START_NR_PAGES 32
#define START_SHARED_INFO 36 /* an address of the host */
#define START_CONSOLE_MFN 52
#define START_CONSOLE_EVTCHN 56
#define START_MFN_LIST 68

/* struct shared_info */
#define SHARED_MAX_PFN 2316
#define SHARED_FRAME_LIST_LIST 2320

/* struct xencons_interface */
#define CONSOLE_OUT 1024
#define CONSOLE_OUT_SIZE 2048
#define CONSOLE_OUT_CONS 3080
#define CONSOLE_OUT_PROD 3084

#define PAGE_ALIGNED __attribute__((__aligned__(STAMP_PAGE_SIZE)))
#define NUMBERS (STAMP_PAGE_SIZE / 4)

/* Only for their addresses: other frames are mapped there. */
static uint8_t shared_info[STAMP_PAGE_SIZE] PAGE_ALIGNED;
static uint8_t console[STAMP_PAGE_SIZE] PAGE_ALIGNED;

static uint32_t list_list[NUMBERS] PAGE_ALIGNED, list[NUMBERS] PAGE_ALIGNED;
static struct stamp_page ring[PAGES] PAGE_ALIGNED;

static const uint32_t *mfn_list;
static uint32_t console_evtchn;

/* ---- in the beginning ---- */

__asm__(".section .note.Xen, \"a\", @note\n"
	/* name "Xen", size and type, what it says */
	".macro number type, value\n"
	"	.long 4, 4, \\type\n	.asciz \"Xen\"\n	.long \\value\n"
	".endm\n"
	".macro text type, value\n"
	"	.long 4, 2f - 1f, \\type\n	.asciz \"Xen\"\n"
	"1:	.asciz \"\\value\"\n2:	.balign 4\n"
	".endm\n"
	"	number 1, _start\n"          /* ENTRY */
	"	number 2, hypercall_page\n"  /* HYPERCALL_PAGE */
	"	number 3, 0\n"               /* VIRT_BASE */
	"	number 4, 0\n"               /* PADDR_OFFSET */
	"	text 5, xen-3.0\n"           /* XEN_VERSION */
	"	text 6, stamp\n"             /* GUEST_OS */
	"	text 8, generic\n"           /* LOADER */
	"	text 9, yes\n"               /* PAE_MODE */
	".text\n"
	".globl _start\n"
	"_start:\n"
	"	cld\n"
	"	movl $stack_end, %esp\n"
	"	pushl %esi\n" /* start_info */
	"	call run\n"
	".balign 4096\n"
	".globl hypercall_page\n"
	"hypercall_page:\n"
	"	.skip 4096\n"
	".bss\n"
	".balign 16\n"
	"	.skip 16384\n"
	"stack_end:\n"
	".text\n");

extern const uint8_t hypercall_page[];

static int32_t hypercall(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	const uint8_t *entry = hypercall_page + number * 32;
	int32_t r;

	__asm__ volatile("call *%%eax"
			 : "=a"(r), "+b"(a), "+c"(b), "+d"(c), "+S"(d)
			 : "0"(entry)
			 : "memory");
	return r;
}

static uint32_t number_at(const uint8_t *p, uint32_t offset)
{
	return *(const volatile uint32_t *)(const void *)(p + offset);
}

static void set_number(uint8_t *p, uint32_t offset, uint32_t value)
{
	*(volatile uint32_t *)(void *)(p + offset) = value;
}

static uint32_t mfn_of(const void *va)
{
	return mfn_list[(uint32_t)(uintptr_t)va / STAMP_PAGE_SIZE];
}

/* In the place of a page of ours. */
static void map(void *va, uint64_t address)
{
	uint64_t pte = address | PTE_BITS;

	(void)hypercall(HYPERCALL_UPDATE_VA_MAPPING, (uint32_t)(uintptr_t)va, (uint32_t)pte,
			(uint32_t)(pte >> 32), UVMF_INVLPG);
}

/* ---- the console ---- */

static void say(const char *text)
{
	uint32_t prod = number_at(console, CONSOLE_OUT_PROD);

	for (; *text; text++) {
		/* Who does not read it in time does not get it. */
		if (prod - number_at(console, CONSOLE_OUT_CONS) >= CONSOLE_OUT_SIZE)
			break;
		console[CONSOLE_OUT + prod++ % CONSOLE_OUT_SIZE] = (uint8_t)*text;
	}
	__sync_synchronize();
	set_number(console, CONSOLE_OUT_PROD, prod);
	(void)hypercall(HYPERCALL_EVENT_CHANNEL_OP, EVTCHNOP_SEND,
			(uint32_t)(uintptr_t)&console_evtchn, 0, 0);
}

static void report(uint32_t counter)
{
	char digits[12];
	unsigned at = sizeof(digits) - 1;

	digits[at] = '\0';
	do
		digits[--at] = (char)('0' + counter % 10);
	while (counter /= 10);
	say("stamp: counter ");
	say(digits + at);
	say("\r\n");
}

/* ---- the p2m ---- */

/* What Xen gave us is in the right form already: it takes the lists of its pages. */
static void publish(uint32_t nr_pages)
{
	for (uint32_t i = 0; i < (nr_pages + NUMBERS - 1) / NUMBERS && i < NUMBERS; i++)
		list[i] = mfn_of((const uint8_t *)mfn_list + i * STAMP_PAGE_SIZE);
	list_list[0] = mfn_of(list);
	set_number(shared_info, SHARED_MAX_PFN, nr_pages);
	__sync_synchronize();
	set_number(shared_info, SHARED_FRAME_LIST_LIST, mfn_of(list_list));
}

/* ---- the ring ---- */

static void make_ring(void)
{
	uint64_t instance = __builtin_ia32_rdtsc();

	for (uint32_t i = 0; i < PAGES; i++) {
		ring[i].instance = instance;
		ring[i].npages = PAGES;
		ring[i].index = i;
		for (uint32_t w = 0; w < sizeof(ring[i].fill) / sizeof(ring[i].fill[0]); w++)
			ring[i].fill[w] = STAMP_MAGIC ^ instance ^ i;
		ring[i].magic = STAMP_MAGIC;
	}
}

/* At once: half of a number is none. */
static void stamp(uint32_t i)
{
	volatile uint64_t *counter = &ring[i % PAGES].counter;
	uint64_t was = *counter;

	while (!__sync_bool_compare_and_swap(counter, was, (uint64_t)i))
		was = *counter;
}

void run(const uint8_t *start_info);

void run(const uint8_t *start_info)
{
	uint32_t i = 0, batch = 0;

	mfn_list = (const uint32_t *)(uintptr_t)number_at(start_info, START_MFN_LIST);
	console_evtchn = number_at(start_info, START_CONSOLE_EVTCHN);
	map(shared_info, number_at(start_info, START_SHARED_INFO));
	map(console, (uint64_t)number_at(start_info, START_CONSOLE_MFN) * STAMP_PAGE_SIZE);
	make_ring();
	publish(number_at(start_info, START_NR_PAGES));
	say("GUEST-READY\r\n");
	for (;;) {
		for (unsigned n = 0; n < BATCH; n++)
			stamp(++i);
		if (++batch % REPORT == 0)
			report(i);
		(void)hypercall(HYPERCALL_SCHED_OP, SCHEDOP_YIELD, 0, 0, 0);
	}
}
