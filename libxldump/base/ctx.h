/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The context that every internal function receives: the error chain, the log callback and the
 * cancel flag.  One per operation, used by one thread. */
#ifndef XL_BASE_CTX_H
#define XL_BASE_CTX_H

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/types.h"
#include "xldump.h"

#define XL_ERR_MAX 1024

struct xl_undo;

struct xl_ctx {
	char err[XL_ERR_MAX]; /* "while doing A: while doing B: cause"; empty when nothing failed */
	enum xldump_cause cause;

	xldump_log_fn log;
	void *log_data;

	/* Set asynchronously (a signal handler) to make the operation give up cleanly; NULL when
	 * nobody does. */
	const volatile int *cancel;

	/* Where what is done to the guest is recorded (hv/undo.h); NULL: nowhere. */
	struct xl_undo *undo;

	/* Where processes are looked for; NULL: /proc. */
	const char *proc;
};

/* Prepend a message to the error chain and return r, so that `return xl_err(x, r, ...)` is one
 * statement.  Never fails; a chain that grows too long loses its tail.  When the chain was empty,
 * strerror(-r) is appended as the first cause. */
_printf_(3, 4) int xl_err(struct xl_ctx *x, int r, const char *fmt, ...);

/* As xl_err(), and name the cause a caller may act on (and the program's exit status).  The text
 * is complete in itself: strerror() is not appended.  The first cause named in a chain stays. */
_printf_(4, 5) int xl_fail(struct xl_ctx *x, enum xldump_cause cause, int r, const char *fmt, ...);

/* Forget the chain: used where a failure is handled and the work goes on in another way. */
void xl_err_clear(struct xl_ctx *x);

_printf_(3, 4) void xl_log(struct xl_ctx *x, enum xldump_log_level level, const char *fmt, ...);

/* -ECANCELED, with the chain set, once the caller asked to stop. */
_must_check_ int xl_check_cancel(struct xl_ctx *x);

#endif
