/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file
 * libxldump: a consistent memory dump of a Xen guest while it keeps running.
 *
 * The library prints nothing, installs no signal handlers and never calls exit().  One thread at a
 * time may use a handle; two handles are independent.  After fork(2), a child must not use a handle
 * of its parent (libxenforeignmemory's rule); it opens its own.
 *
 * Every function that can fail returns 0 or a negative errno value.  After a failure,
 * xldump_error() describes what happened, and xldump_error_cause() tells a program what it can act
 * on.
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

/* All symbols of the library are hidden except those declared here. */
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/** A connection to the hypervisor on which this process runs.  Opaque. */
struct xldump;

enum xldump_log_level {
	XLDUMP_LOG_WARNING, /**< the dump goes on, but a user should know */
	XLDUMP_LOG_INFO,
	XLDUMP_LOG_DEBUG,
};

/** Called with one line of text without a newline.  It is called only inside calls of this library,
 *  and never while a guest is paused. */
typedef void (*xldump_log_fn)(void *data, enum xldump_log_level level, const char *line);

/** Why an operation failed, as far as a caller can act on it.
 *  The numbers are the exit statuses of the programs and never change. */
enum xldump_cause {
	XLDUMP_CAUSE_NONE = 0,
	XLDUMP_CAUSE_OTHER = 1,        /**< see the text */
	XLDUMP_CAUSE_USAGE = 2,        /**< the arguments are invalid */
	XLDUMP_CAUSE_NO_DOMAIN = 3,    /**< no such domain, or an ambiguous name */
	XLDUMP_CAUSE_NO_XEN = 4,       /**< this is not the control domain of a Xen host */
	XLDUMP_CAUSE_PERMISSION = 5,   /**< not root, or a security policy refused */
	XLDUMP_CAUSE_EXISTS = 6,       /**< the output exists and overwriting was not asked for */
	XLDUMP_CAUSE_OUTPUT = 7,       /**< the output cannot be written: path, file system */
	XLDUMP_CAUSE_NO_SPACE = 8,     /**< the file system is, or would become, full */
	XLDUMP_CAUSE_DOMAIN_GONE = 9,  /**< the domain was destroyed during the dump */
	XLDUMP_CAUSE_BUSY = 10,        /**< log-dirty mode is in use: a migration or a save */
	XLDUMP_CAUSE_PAUSE_LIMIT = 11, /**< the guest would be stopped longer than was allowed */
	XLDUMP_CAUSE_UNSUPPORTED = 12, /**< this guest or hypervisor cannot be dumped that way */
	XLDUMP_CAUSE_CANCELLED = 13,   /**< the caller asked to stop */
	XLDUMP_CAUSE_VERSION = 14,     /**< no backend for the version of Xen that runs */
	XLDUMP_CAUSE_STILL_PAUSED = 15, /**< the guest could not be unpaused: use `xl unpause` */
	XLDUMP_CAUSE_DIED = 16,        /**< the process that made the dump was killed; the library
					    itself never returns this */
	_XLDUMP_CAUSE_MAX
};

/** "no-domain", "pause-limit" and so on, the words of xldump-json(5); NULL if cause is unknown. */
const char *xldump_cause_name(enum xldump_cause cause);

/** How memory is captured.  See the table in libxldump/README.md. */
enum xldump_strategy {
	XLDUMP_STRATEGY_AUTO = 0,
	XLDUMP_STRATEGY_PRECOPY = 1, /**< rounds of log-dirty copying, one short pause */
	XLDUMP_STRATEGY_STILL = 2,   /**< for a guest that is already stopped */
	XLDUMP_STRATEGY_STOP = 3,    /**< the guest is paused for the whole dump */
	XLDUMP_STRATEGY_RESCAN = 4,  /**< all pages are read twice, the second time in a pause */
	_XLDUMP_STRATEGY_MAX
};

enum xldump_format {
	XLDUMP_FORMAT_ELF = 0,     /**< program headers and Xen's sections for the same pages */
	XLDUMP_FORMAT_XENCORE = 1, /**< Xen's sections alone, for crash 8 */
	XLDUMP_FORMAT_KDUMP = 2,   /**< kdump-compressed, for crash, drgn and makedumpfile */
	XLDUMP_FORMAT_XENCORE_RAW = 3, /**< for PV guests: Xen's sections with .xen_p2m; page tables
					    and CR3s contain mfns, as in the guest.  Cannot be
					    combined with a dump_level */
	_XLDUMP_FORMAT_MAX
};

/** How XLDUMP_FORMAT_KDUMP compresses pages.  The other formats do not compress. */
enum xldump_codec {
	XLDUMP_CODEC_DEFAULT = 0, /**< one that every program that reads the format understands */
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

/** Parse "none", "zlib", "zlib:9" and so on.
 *
 * @param ret_level  the level, or 0 if the text has none
 * @return -EINVAL for an unknown name, -ERANGE for a level that this codec does not have */
int xldump_codec_parse(const char *text, enum xldump_codec *ret, int *ret_level);

#define XLDUMP_NAME_MAX 256

/** One domain, as it was when the library looked at it. */
struct xldump_domain {
	size_t sz; /**< sizeof(struct xldump_domain) of the caller */
	uint32_t domid;
	uint8_t uuid[16];
	char name[XLDUMP_NAME_MAX]; /**< as xenstore has it, control characters replaced by '?' */
	enum xldump_guest_type type;
	uint64_t memory; /**< bytes that the domain has now */
	uint32_t vcpus;
};

enum xldump_phase {
	XLDUMP_PHASE_PREPARE,  /**< reading the guest's memory layout; looking for its kernel */
	XLDUMP_PHASE_COPY,     /**< round 0: all pages */
	XLDUMP_PHASE_ROUND,    /**< round 1 and later: pages dirtied meanwhile */
	XLDUMP_PHASE_FINISH,   /**< the guest runs again, and the rest is being written; or, with
				    guest_stopped, pages are being compared with the guest */
	XLDUMP_PHASE_SYNC,     /**< waiting for the disk */
};

/** "prepare", "copy" and so on; NULL if phase is unknown. */
const char *xldump_phase_name(enum xldump_phase phase);

struct xldump_progress {
	enum xldump_phase phase;
	unsigned round;       /**< 0 while all pages are copied */
	uint64_t pages_done;  /**< of this round */
	uint64_t pages_total; /**< of this round */
	bool guest_stopped;   /**< with the strategies `stop` and `still`; with `rescan` in one call
				    right before the pause, with which the pages of all memory are
				    the total */
};

/** Never called inside the short pause of `precopy`. */
typedef void (*xldump_progress_fn)(void *data, const struct xldump_progress *progress);

/** One thread for each CPU that this process may use. */
#define XLDUMP_THREADS_ALL (~0U)

/** Fill the structure with zeros, then set `sz` and the members that you want.  Zero is the default
 *  of every member. */
struct xldump_options {
	size_t sz; /**< sizeof(struct xldump_options) of the caller */
	enum xldump_strategy strategy;
	enum xldump_format format;
	uint64_t max_pause_ns; /**< 0: no limit.  Otherwise the pause is predicted before it begins
				    and watched while it lasts.  A pause that would be longer is
				    given up, and the dump fails with XLDUMP_CAUSE_PAUSE_LIMIT
				    (see also throttle and extend_pause).  A single hypercall
				    that takes longer cannot be given up */
	unsigned max_rounds;   /**< copying rounds after the first pass; 0: 8 */
	bool overwrite;        /**< replace an existing file, atomically */

	xldump_progress_fn progress;
	void *progress_data;
	bool throttle;              /**< if max_pause_ns cannot be kept, slow the guest down by its
					 scheduler's cap, to a tenth at worst.  The guest gets its
					 cap back in any case.  For `precopy` only */
	bool extend_pause;          /**< if max_pause_ns cannot be kept, take a longer pause instead
					 of failing; the result's `reason` says so */
	const volatile int *cancel; /**< a signal handler may set this.  The guest is then resumed,
					 and the dump fails with XLDUMP_CAUSE_CANCELLED */
	enum xldump_codec codec;    /**< for XLDUMP_FORMAT_KDUMP only */
	int level;                  /**< level of the codec, as xldump_codec_parse() returns it; 0:
					 the codec's default */
	unsigned threads;           /**< how many threads compress, including the caller's.  0: one
					 for every two CPUs that this process may use, at most 4 */
	int fd;                     /**< where the dump is written if there is no path */
	unsigned dump_level;        /**< sum of XLDUMP_LEVEL_*; 0: keep all pages.  Decided by the
					 memory at the instant.  With a level above 1, the dump
					 fails with XLDUMP_CAUSE_UNSUPPORTED if the guest is not a
					 Linux whose struct pages can be found */
	const char *symbols;        /**< path of the System.map or vmlinux of a guest's Linux, for
					 symbols that cannot be found in its memory.  If it is of
					 another kernel, the dump fails with XLDUMP_CAUSE_USAGE.
					 NULL: none */
};

/** Dump levels: the kinds of pages of a Linux guest to leave out, with the numbers of
 *  makedumpfile(8).  Add them up. */
#define XLDUMP_LEVEL_ZERO 1          /**< pages of zeros, which take no space anyway */
#define XLDUMP_LEVEL_CACHE 2         /**< page cache without private data */
#define XLDUMP_LEVEL_CACHE_PRIVATE 4 /**< page cache with or without private data */
#define XLDUMP_LEVEL_USER 8          /**< memory of user processes */
#define XLDUMP_LEVEL_FREE 16         /**< free memory */
#define XLDUMP_LEVEL_MAX 31

/** What the file guarantees. */
enum xldump_guarantee {
	XLDUMP_EXACT = 0,   /**< every page is as it was at the instant */
	XLDUMP_SUSPECTS = 1 /**< so are all pages except some, which the provenance note lists */
};

struct xldump_result {
	size_t sz; /**< sizeof(struct xldump_result) of the caller */
	struct xldump_domain domain;
	enum xldump_strategy strategy; /**< the strategy that was used, never AUTO */
	char reason[256];              /**< why it was not a better one, or "" */
	enum xldump_guarantee guarantee;
	uint64_t suspect_pages;
	unsigned rounds;           /**< including the first pass and the last copy in the pause */
	uint64_t pages;            /**< pages of the guest in the dump */
	uint64_t pages_copied;     /**< pages read from the guest, repeats included */
	uint64_t file_bytes;       /**< apparent size of the file */
	uint64_t disk_bytes;       /**< space that it takes on disk: holes take none */
	uint64_t duration_ns;
	uint64_t pause_ns;         /**< how long the library stopped the guest */
	bool was_stopped;          /**< the guest was already stopped, and still is */
	struct timespec instant;   /**< the moment that the dump shows, by CLOCK_REALTIME */
	char kernel[65];           /**< release of the Linux kernel, or "" if none was found */
	unsigned dump_level;       /**< as asked for */
	uint64_t pages_excluded;   /**< pages of the guest that dump_level left out */
};

/** Connect to the hypervisor and to xenstore.  Also do what xldump_recover() does; if that fails,
 *  it is a warning.
 *
 * @param ret      the handle.  It is set even if the call fails, so that xldump_error() works,
 *                 unless memory has run out.  Close it in either case
 * Errors: XLDUMP_CAUSE_NO_XEN, XLDUMP_CAUSE_PERMISSION, XLDUMP_CAUSE_VERSION. */
int xldump_open(struct xldump **ret, xldump_log_fn log, void *log_data);

/** Accepts NULL. */
void xldump_close(struct xldump *xl);

/** Restore guests that a dump left paused or in log-dirty mode because its process died.
 *
 * Every change to a guest is recorded in /run/xldump/undo before it is made.  This function reads
 * the records of processes that have died.  It unpauses exactly what they paused, switches off what
 * they switched on, and removes their unfinished files.  A guest that somebody else has paused
 * stays paused; a guest with another uuid is not touched.  The log callback gets a warning for each
 * guest that was changed. xldump_open() and xldump_dump() call this by themselves; a daemon calls
 * it when one of its workers has died.
 *
 * The call may wait for other processes that do the same, and up to 10 seconds for a device model.
 * It does not pause a guest.
 *
 * @param ret_undone  how many dumps had left changes that are undone now; may be NULL
 * @return negative if a change could not be undone, too: it stays recorded and is tried again */
int xldump_recover(struct xldump *xl, unsigned *ret_undone);

/** The message of the last failure, "A: B: cause", or "" if there was none.  Valid until the next
 *  call with this handle. */
const char *xldump_error(const struct xldump *xl);
enum xldump_cause xldump_error_cause(const struct xldump *xl);

/** Find a domain by domain id, UUID or name, in this order, as xl does.
 *
 * @param spec     what the user typed
 * @param ret      caller sets ret->sz
 * Errors: XLDUMP_CAUSE_NO_DOMAIN; XLDUMP_CAUSE_UNSUPPORTED for domain 0. */
int xldump_domain_find(struct xldump *xl, const char *spec, struct xldump_domain *ret);

/** The state of a domain. */
struct xldump_domain_state {
	size_t sz;               /**< sizeof(struct xldump_domain_state) of the library */
	bool paused;             /**< somebody has paused it */
	bool shut_down;          /**< it has shut down; shutdown_reason says why */
	uint8_t shutdown_reason; /**< Xen's SHUTDOWN_*: 0 power-off, 1 reboot, 2 suspend, 3 crash,
				      4 watchdog */
	bool dying;              /**< it is being destroyed */
};

/** domain->name is empty: see xldump_domains(). */
typedef void (*xldump_domain_fn)(void *data, const struct xldump_domain *domain,
				 const struct xldump_domain_state *state);

/** Call fn for all domains except domain 0, in the order of their domain ids.
 *
 * This asks only the hypervisor, in few calls, so it is quick even if xenstored is not.  Names are
 * in xenstored and therefore left empty.  The callback must not use the handle. */
int xldump_domains(struct xldump *xl, xldump_domain_fn fn, void *data);

/** Where the Linux kernel of a guest says whether it has panicked. */
struct xldump_panic_mark {
	size_t sz;            /**< sizeof(struct xldump_panic_mark) of the library */
	uint64_t panic_paddr; /**< physical address of its variable panic_cpu */
	uint64_t info_paddr;  /**< physical address of its VMCOREINFO, and a checksum of it, by
				   which the kernel is recognised */
	uint64_t info_sum;
};

/** Find out where the kernel of a running HVM or PVH guest says whether it has panicked.
 *
 * When an HVM guest panics, Xen sees only a reboot or a power-off.  The function searches all
 * memory of the guest, which takes as long as reading it once.  The guest is not paused.
 *
 * @param cancel  as in struct xldump_options; may be NULL
 * Errors: -ENOENT if no Linux kernel that says where its symbols are (6.0 and later) is recognised
 * in the guest, perhaps not yet. */
int xldump_panic_learn(struct xldump *xl, const struct xldump_domain *domain,
		       const volatile int *cancel, struct xldump_panic_mark *ret);

/** Tell whether the kernel has panicked.  The domain may be in any state.  Reads two pages.
 *
 * Errors: -ESTALE if the mark belongs to another kernel, because the guest has booted since. */
int xldump_panic_look(struct xldump *xl, const struct xldump_domain *domain,
		      const struct xldump_panic_mark *mark, bool *ret_panicked);

/** Dump a domain to a file or to a pipe.
 *
 * The file appears under its name only when it is complete and on disk.  A failure leaves no file.
 * The mode of the file is 0600, because it contains the guest's secrets.
 *
 * XLDUMP_STRATEGY_PRECOPY pauses the guest once, briefly.  XLDUMP_STRATEGY_RESCAN pauses it for as
 * long as reading all memory takes, and XLDUMP_STRATEGY_STOP for the whole dump.  A guest that is
 * already stopped is not paused.  When this function returns, the guest is in the state in which it
 * was found, whether the dump succeeded or not.  If the hypervisor refuses to unpause the guest,
 * the cause is XLDUMP_CAUSE_STILL_PAUSED.  If this process dies, the next xldump_open() or
 * xldump_recover() on this host restores the guest.  If changes cannot be recorded in
 * /run/xldump/undo, the guest is not touched, and the cause is XLDUMP_CAUSE_OUTPUT.
 *
 * Without a path, the dump is written to options->fd, such as a pipe, from front to back in the
 * flattened form of makedumpfile.  It is complete if it ends with an end record.  A guest that
 * XLDUMP_STRATEGY_PRECOPY or XLDUMP_STRATEGY_RESCAN has paused never waits for the reader; with the
 * other strategies it does.  If the reader exits, the cause is XLDUMP_CAUSE_OUTPUT; SIGPIPE is not
 * raised.  XLDUMP_FORMAT_KDUMP suits pipes best.  With ELF formats, records overlap, and the dump
 * fails if the guest's memory map changes.
 *
 * @param domain   from xldump_domain_find(); its domid and uuid are checked again
 * @param path     NULL: options->fd
 * @param options  NULL for all defaults
 * @param ret      NULL, or caller sets ret->sz; untouched on failure */
int xldump_dump(struct xldump *xl, const struct xldump_domain *domain, const char *path,
		const struct xldump_options *options, struct xldump_result *ret);

/** What a dump would cost. */
struct xldump_estimate {
	size_t sz; /**< sizeof(struct xldump_estimate) of the caller */
	struct xldump_domain domain;
	enum xldump_strategy strategy; /**< the strategy that would be used, never AUTO */
	char reason[256];      /**< why it is not a better one, or "" */
	bool was_stopped;      /**< the guest is already stopped */
	bool over_limit;       /**< the pause would be longer than options->max_pause_ns */
	uint64_t pages;        /**< of the guest */
	uint64_t file_bytes;   /**< apparent size of the file */
	uint64_t disk_bytes;   /**< space that it would take on disk.  Pages that dump_level
				    leaves out are not subtracted */
	uint64_t copy_ns;      /**< reading and compressing; a slow disk makes it longer */
	uint64_t pause_ns;     /**< how long the guest would be stopped */
	unsigned rounds;       /**< passes, including the last copy in the pause */
	uint64_t sampled_pages; /**< pages read for the estimate */
	uint64_t watched_ns;   /**< how long the dirty log was on; 0 if it was not used */
	uint64_t dirtied_pages; /**< pages that the guest wrote to in this time */
};

/** Estimate what xldump_dump() with these options would take, without writing anything.
 *
 * The guest is not paused.  Some thousand of its pages are read.  If the guest runs and the
 * strategy is XLDUMP_STRATEGY_PRECOPY or AUTO, its dirty log is on for a second; this is recorded
 * and undone as in a dump.  The errors are those of xldump_dump().
 *
 * @param options  NULL for all defaults; path, fd and progress are not used
 * @param ret      caller sets ret->sz; untouched on failure */
int xldump_estimate(struct xldump *xl, const struct xldump_domain *domain,
		    const struct xldump_options *options, struct xldump_estimate *ret);

/** Version of the library at run time, such as "0.1.0". */
const char *xldump_version(void);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
