/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file
 * libxldump: a consistent memory dump of a Xen guest while it keeps running.
 *
 * The library prints nothing, installs no signal handlers and calls no exit().  A handle is used
 * by one thread at a time; two handles are independent.  After fork(2) a child must not use a
 * handle of its parent (libxenforeignmemory's rule); it opens its own.
 *
 * Every function that can fail returns 0 or a negative errno value; xldump_error() then has the
 * whole story in words and xldump_error_cause() what a program may act on.
 */
#ifndef XLDUMP_H
#define XLDUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library is built with everything hidden but what stands here. */
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/** A connection to the hypervisor this process runs on.  Opaque. */
struct xldump;

enum xldump_log_level {
	XLDUMP_LOG_WARNING, /**< the dump goes on, but a user should know */
	XLDUMP_LOG_INFO,
	XLDUMP_LOG_DEBUG,
};

/** Called with one line of text without a newline, only inside calls of this library and never
 *  while a guest is paused. */
typedef void (*xldump_log_fn)(void *data, enum xldump_log_level level, const char *line);

/** What made an operation fail, where a caller can do something about it.
 *  The numbers are the exit statuses of the programs and never change. */
enum xldump_cause {
	XLDUMP_CAUSE_NONE = 0,
	XLDUMP_CAUSE_OTHER = 1,        /**< see the text */
	XLDUMP_CAUSE_USAGE = 2,        /**< arguments make no sense */
	XLDUMP_CAUSE_NO_DOMAIN = 3,    /**< no such domain, or an ambiguous name */
	XLDUMP_CAUSE_NO_XEN = 4,       /**< this is not the control domain of a Xen host */
	XLDUMP_CAUSE_PERMISSION = 5,   /**< not root, or a security policy refused */
	XLDUMP_CAUSE_EXISTS = 6,       /**< the output exists and overwriting was not asked for */
	XLDUMP_CAUSE_OUTPUT = 7,       /**< the output cannot be written: path, file system */
	XLDUMP_CAUSE_NO_SPACE = 8,     /**< the file system is, or would become, full */
	XLDUMP_CAUSE_DOMAIN_GONE = 9,  /**< the domain was destroyed meanwhile */
	XLDUMP_CAUSE_BUSY = 10,        /**< log-dirty mode is in use: a migration or a save */
	XLDUMP_CAUSE_PAUSE_LIMIT = 11, /**< the guest would be stopped longer than was allowed */
	XLDUMP_CAUSE_UNSUPPORTED = 12, /**< this guest or hypervisor cannot be dumped that way */
	XLDUMP_CAUSE_CANCELLED = 13,   /**< the caller asked to stop */
	XLDUMP_CAUSE_VERSION = 14,     /**< built for another version of Xen than the running one */
	XLDUMP_CAUSE_STILL_PAUSED = 15, /**< the guest could not be let go: `xl unpause` is needed */
	XLDUMP_CAUSE_DIED = 16,        /**< the process that dumped was killed; the library itself
					    never gives this */
	_XLDUMP_CAUSE_MAX
};

/** "no-domain", "pause-limit" and so on, the words of the manual; NULL for no such cause. */
const char *xldump_cause_name(enum xldump_cause cause);

/** How memory is captured.  See the table in libxldump/README.md. */
enum xldump_strategy {
	XLDUMP_STRATEGY_AUTO = 0,
	XLDUMP_STRATEGY_PRECOPY = 1, /**< rounds of log-dirty copying, one short pause */
	XLDUMP_STRATEGY_STILL = 2,   /**< the guest does not run anyway */
	XLDUMP_STRATEGY_STOP = 3,    /**< the guest is paused for the whole dump */
	XLDUMP_STRATEGY_RESCAN = 4,  /**< all pages twice, the second time paused, into memory */
	_XLDUMP_STRATEGY_MAX
};

enum xldump_format {
	XLDUMP_FORMAT_ELF = 0,     /**< hybrid: program headers and Xen sections */
	XLDUMP_FORMAT_XENCORE = 1, /**< the Xen sections alone, which crash 8.0.x needs */
	XLDUMP_FORMAT_KDUMP = 2,   /**< kdump-compressed, for crash, drgn and makedumpfile */
	XLDUMP_FORMAT_XENCORE_RAW = 3, /**< PV alone: Xen's sections with .xen_p2m; page tables and
					    CR3s hold frames of the host, as in the guest.  All
					    pages: no dump_level */
	_XLDUMP_FORMAT_MAX
};

/** How pages are compressed, in formats that can: XLDUMP_FORMAT_KDUMP. */
enum xldump_codec {
	XLDUMP_CODEC_DEFAULT = 0, /**< what every reader of the format understands */
	XLDUMP_CODEC_NONE = 1,
	XLDUMP_CODEC_ZLIB = 2,
	XLDUMP_CODEC_LZO = 3,
	XLDUMP_CODEC_SNAPPY = 4,
	XLDUMP_CODEC_ZSTD = 5,
	_XLDUMP_CODEC_MAX
};

enum xldump_guest_type {
	XLDUMP_GUEST_PV = 0,
	XLDUMP_GUEST_PVH = 1,
	XLDUMP_GUEST_HVM = 2,
};

/** "precopy", "elf", "PVH" and so on; NULL for a value out of range. */
const char *xldump_strategy_name(enum xldump_strategy strategy);
const char *xldump_format_name(enum xldump_format format);
const char *xldump_guest_type_name(enum xldump_guest_type type);

const char *xldump_codec_name(enum xldump_codec codec);

/** The inverse of the functions above; -EINVAL for an unknown name. */
int xldump_strategy_parse(const char *name, enum xldump_strategy *ret);
int xldump_format_parse(const char *name, enum xldump_format *ret);

/** "none", "zlib", "zlib:9" and so on.
 *
 * @param ret_level  0 if the text has none
 * @return -EINVAL for an unknown name, -ERANGE for a level that this codec does not have */
int xldump_codec_parse(const char *text, enum xldump_codec *ret, int *ret_level);

#define XLDUMP_NAME_MAX 256

/** One domain as it was when it was asked for. */
struct xldump_domain {
	size_t sz; /**< sizeof(struct xldump_domain) of the caller */
	uint32_t domid;
	uint8_t uuid[16];
	char name[XLDUMP_NAME_MAX]; /**< as xenstore has it, control characters replaced by '?' */
	enum xldump_guest_type type;
	uint64_t memory; /**< bytes the domain holds now */
	uint32_t vcpus;
};

enum xldump_phase {
	XLDUMP_PHASE_PREPARE,  /**< reading the guest's memory layout; looking for its kernel */
	XLDUMP_PHASE_COPY,     /**< round 0: all pages */
	XLDUMP_PHASE_ROUND,    /**< round 1 and later: pages dirtied meanwhile */
	XLDUMP_PHASE_FINISH,   /**< the rest is being written, and the guest runs again; or, with
				    guest_stopped, what was read of it is being compared */
	XLDUMP_PHASE_SYNC,     /**< waiting for the disk */
};

/** "prepare", "copy" and so on; NULL for no such phase. */
const char *xldump_phase_name(enum xldump_phase phase);

struct xldump_progress {
	enum xldump_phase phase;
	unsigned round;       /**< 0 while all pages are copied */
	uint64_t pages_done;  /**< of this round */
	uint64_t pages_total; /**< of this round */
	bool guest_stopped;   /**< true only with the strategies `stop` and `still` */
};

/** Never called inside the short pause of `precopy`. */
typedef void (*xldump_progress_fn)(void *data, const struct xldump_progress *progress);

/** As many threads as there are CPUs that this process may use. */
#define XLDUMP_THREADS_ALL (~0U)

/** Zero-fill, then set `sz` and what you want.  Zero means the default everywhere. */
struct xldump_options {
	size_t sz; /**< sizeof(struct xldump_options) of the caller */
	enum xldump_strategy strategy;
	enum xldump_format format;
	uint64_t max_pause_ns; /**< 0: no promise.  Else the pause is predicted before it is made
				    and watched while it lasts; one that would be longer is given
				    up, and the dump fails with XLDUMP_CAUSE_PAUSE_LIMIT (or goes
				    on, see extend_pause).  What cannot be given up is a single
				    hypercall that takes longer */
	unsigned max_rounds;   /**< copying rounds after the first pass; 0: 8 */
	bool overwrite;        /**< replace an existing file, atomically */

	xldump_progress_fn progress;
	void *progress_data;
	bool throttle;              /**< when max_pause_ns cannot be kept, slow the guest through its
					 scheduler's cap, to a tenth at worst, until it can; the cap
					 is given back in any case.  `precopy` alone */
	bool extend_pause;          /**< when max_pause_ns cannot be kept, rather a longer pause
					 than no dump; the result's `reason` says so */
	const volatile int *cancel; /**< may be set by a signal handler; the dump then ends with
					 XLDUMP_CAUSE_CANCELLED and the guest is let go */
	enum xldump_codec codec;    /**< of XLDUMP_FORMAT_KDUMP; no other format has one */
	int level;                  /**< of the codec, as xldump_codec_parse() gives it; 0: its own
					 default */
	unsigned threads;           /**< that compress, the caller's included; 0: half the CPUs
					 that this process may use, at most 4; or
					 XLDUMP_THREADS_ALL */
	int fd;                     /**< where the dump goes if there is no path */
	unsigned dump_level;        /**< sum of XLDUMP_LEVEL_*; 0: all pages.  Judged by the memory of
					 T.  Above 1, a guest that is not a Linux whose struct pages
					 can be found gives XLDUMP_CAUSE_UNSUPPORTED, rather than a
					 file with what was not to be in it */
	const char *symbols;        /**< path of the System.map or vmlinux of a Linux guest's kernel,
					 for symbols that its memory does not give; one of another
					 kernel fails the dump with XLDUMP_CAUSE_USAGE.  NULL: none */
};

/** Dump levels: kinds of pages of a Linux guest that are left out, the same that makedumpfile(8)
 *  leaves out; they add up. */
#define XLDUMP_LEVEL_ZERO 1          /**< pages of zeros; no format spends space on one anyway */
#define XLDUMP_LEVEL_CACHE 2         /**< page cache without private data */
#define XLDUMP_LEVEL_CACHE_PRIVATE 4 /**< page cache */
#define XLDUMP_LEVEL_USER 8          /**< memory of processes */
#define XLDUMP_LEVEL_FREE 16         /**< memory that is free */
#define XLDUMP_LEVEL_MAX 31

/** What the file promises. */
enum xldump_guarantee {
	XLDUMP_EXACT = 0,   /**< every page is as it was at the instant T */
	XLDUMP_SUSPECTS = 1 /**< all but some pages, which the provenance note lists, are */
};

struct xldump_result {
	size_t sz; /**< sizeof(struct xldump_result) of the caller */
	struct xldump_domain domain;
	enum xldump_strategy strategy; /**< the one that was used, never AUTO */
	char reason[256];              /**< why, if it is not what would have been best; or "" */
	enum xldump_guarantee guarantee;
	uint64_t suspect_pages;
	unsigned rounds;           /**< including the first pass and the last copy in the pause */
	uint64_t pages;            /**< pages of the guest in the dump */
	uint64_t pages_copied;     /**< pages read from the guest, repeats included */
	uint64_t file_bytes;       /**< apparent size of the file */
	uint64_t disk_bytes;       /**< what it occupies: holes are free */
	uint64_t duration_ns;
	uint64_t pause_ns;         /**< the guest was stopped by us for so long */
	bool was_stopped;          /**< the guest was not running before, nor is it after */
	struct timespec instant;   /**< T, by the clock of this host (CLOCK_REALTIME) */
	char kernel[65];           /**< release of a Linux guest, or "" when none was found */
	unsigned dump_level;       /**< as asked for */
	uint64_t pages_excluded;   /**< pages of the guest that it left out */
};

/** Connect to the hypervisor and to xenstore, and undo what dumps of dead processes left, as
 *  xldump_recover() does; that this cannot be done is a warning.
 *
 * @param ret      the handle, also set when the call fails (unless memory is out), so that
 *                 xldump_error() works; close it either way
 * Errors: XLDUMP_CAUSE_NO_XEN, XLDUMP_CAUSE_PERMISSION, XLDUMP_CAUSE_VERSION. */
int xldump_open(struct xldump **ret, xldump_log_fn log, void *log_data);

/** Accepts NULL. */
void xldump_close(struct xldump *xl);

/** Let go guests that a dump left paused, or in log-dirty mode, because its process died.
 *
 * Whatever a dump does to a guest is recorded in /run/xldump/undo before it is done.  This replays
 * the records of processes that live no longer: unpauses exactly what they paused, switches off
 * what they switched on, and removes their unfinished files.  A guest that somebody else has paused
 * stays paused; one with another uuid is not touched.  Every guest that was owed something gives a
 * warning to the log callback.  xldump_open() and xldump_dump() do this by themselves; a daemon
 * calls it when one of its workers has died.
 *
 * May wait: for others who do the same, and up to 10 seconds for a device model.  Does not pause.
 *
 * @param ret_undone  how many dumps had left something that is undone now; may be NULL
 * @return negative also when something could not be undone: it stays recorded, to be tried again */
int xldump_recover(struct xldump *xl, unsigned *ret_undone);

/** The chain of the last failure, "while A: while B: cause"; "" if there was none.  Valid until
 *  the next call with this handle. */
const char *xldump_error(const struct xldump *xl);
enum xldump_cause xldump_error_cause(const struct xldump *xl);

/** Find a domain by number, by UUID or by name, in this order, as xl does.
 *
 * @param spec     what a user typed
 * @param ret      caller sets ret->sz
 * Errors: XLDUMP_CAUSE_NO_DOMAIN; domain 0 is refused with XLDUMP_CAUSE_UNSUPPORTED. */
int xldump_domain_find(struct xldump *xl, const char *spec, struct xldump_domain *ret);

/** How a domain stands. */
struct xldump_domain_state {
	size_t sz;               /**< sizeof(struct xldump_domain_state) of the library */
	bool paused;             /**< somebody holds a pause of it */
	bool shut_down;          /**< it has ended, in the way that the reason says */
	uint8_t shutdown_reason; /**< Xen's SHUTDOWN_*: 0 power-off, 1 reboot, 2 suspend, 3 crash,
				      4 watchdog */
	bool dying;              /**< it is being destroyed */
};

/** The domain has no name: see xldump_domains(). */
typedef void (*xldump_domain_fn)(void *data, const struct xldump_domain *domain,
				 const struct xldump_domain_state *state);

/** Look at all domains but domain 0, in the order of their numbers.
 *
 * Asks the hypervisor alone, in few calls, so that it is quick even if xenstored is not; names,
 * which xenstored has, are left empty.  The callback must not use the handle. */
int xldump_domains(struct xldump *xl, xldump_domain_fn fn, void *data);

/** Where the Linux kernel of a guest says whether it has panicked. */
struct xldump_panic_mark {
	size_t sz;            /**< sizeof(struct xldump_panic_mark) of the library */
	uint64_t panic_paddr; /**< of its variable panic_cpu */
	uint64_t info_paddr;  /**< of its VMCOREINFO, by which it is recognised, and a sum of that */
	uint64_t info_sum;
};

/** Find out where the kernel of a running HVM or PVH guest says whether it has panicked.
 *
 * Xen is not told by every guest: an HVM guest that panics reboots, as far as Xen knows.  All memory
 * is looked through, which takes as long as to read it once; the guest is not paused.
 *
 * @param cancel  as in struct xldump_options; may be NULL
 * Errors: -ENOENT for a guest in which no Linux kernel is recognised (yet) that says where its symbols
 * are, as kernels from 6.0 on do. */
int xldump_panic_learn(struct xldump *xl, const struct xldump_domain *domain,
		       const volatile int *cancel, struct xldump_panic_mark *ret);

/** Whether the kernel has panicked, of a domain of any state.  Reads two pages.
 *
 * -ESTALE when it is not the kernel any more that the mark is of: the guest has booted another. */
int xldump_panic_look(struct xldump *xl, const struct xldump_domain *domain,
		      const struct xldump_panic_mark *mark, bool *ret_panicked);

/** Dump a domain into a file, or into a pipe.
 *
 * The file appears under its name only when it is complete and on disk; a failure leaves nothing
 * behind.  It is created with mode 0600: it holds all secrets of the guest.
 *
 * The guest is paused once, briefly, with XLDUMP_STRATEGY_PRECOPY; for the whole dump with
 * XLDUMP_STRATEGY_STOP; not at all if it does not run anyway.  When this function returns, the
 * guest is in the state it was found in, whatever happened; should the hypervisor refuse even
 * that, the cause is XLDUMP_CAUSE_STILL_PAUSED.  Should this process die before it returns, the
 * next xldump_open() on this host puts the guest right, or xldump_recover().  Where that cannot be
 * recorded (/run/xldump/undo), the guest is not touched: XLDUMP_CAUSE_OUTPUT.
 *
 * Without a path the dump goes to options->fd, from front to back, in the flattened form of
 * makedumpfile: to a pipe, for example.  It is whole if its end record is there, which is written
 * last of all.  The guest never waits for the reader while it is paused by XLDUMP_STRATEGY_PRECOPY
 * or XLDUMP_STRATEGY_RESCAN; with the others it does.  A reader that goes is XLDUMP_CAUSE_OUTPUT,
 * without SIGPIPE.  XLDUMP_FORMAT_KDUMP suits; with the formats that are ELF, records overlap, and
 * the dump fails if the guest's memory map changes.
 *
 * @param domain   from xldump_domain_find(); domid and uuid are checked again
 * @param path     NULL: options->fd
 * @param options  NULL for all defaults
 * @param ret      NULL, or caller sets ret->sz; untouched on failure */
int xldump_dump(struct xldump *xl, const struct xldump_domain *domain, const char *path,
		const struct xldump_options *options, struct xldump_result *ret);

/** What a dump would take and cost. */
struct xldump_estimate {
	size_t sz; /**< sizeof(struct xldump_estimate) of the caller */
	struct xldump_domain domain;
	enum xldump_strategy strategy; /**< that would be used, never AUTO */
	char reason[256];      /**< why, if it is not what would be best; or "" */
	bool was_stopped;      /**< the guest does not run, and would not be stopped by us */
	bool over_limit;       /**< the pause would be longer than options->max_pause_ns */
	uint64_t pages;        /**< of the guest */
	uint64_t file_bytes;   /**< apparent size of the file */
	uint64_t disk_bytes;   /**< what it would occupy.  With a dump_level less: pages that it leaves
				    out are not taken off */
	uint64_t copy_ns;      /**< reading and compressing; a slow disk makes it longer */
	uint64_t pause_ns;     /**< how long the guest would be stopped */
	unsigned rounds;       /**< passes, the last copy in the pause included */
	uint64_t sampled_pages; /**< read for this */
	uint64_t watched_ns;   /**< how long the dirty log was on; 0: it was not */
	uint64_t dirtied_pages; /**< that the guest wrote in this time */
};

/** Estimate what xldump_dump() with these options would take, without writing anything.
 *
 * The guest is not paused.  Some thousand of its pages are read; if it runs and the strategy is
 * XLDUMP_STRATEGY_PRECOPY (or AUTO), its dirty log is on for a second, with the effects that has; it
 * is recorded and undone as in a dump.  Errors are those of the dump.
 *
 * @param options  NULL for all defaults; path, fd and progress are not used
 * @param ret      caller sets ret->sz; untouched on failure */
int xldump_estimate(struct xldump *xl, const struct xldump_domain *domain,
		    const struct xldump_options *options, struct xldump_estimate *ret);

/** Version of the library at run time, as "0.1.0". */
const char *xldump_version(void);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
