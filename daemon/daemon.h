/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of xldumpd share.  Each of them has a header of its own. */
#ifndef XLDUMP_DAEMON_DAEMON_H
#define XLDUMP_DAEMON_DAEMON_H

#include <systemd/sd-event.h>

#include "common/conf.h"
#include "common/spool.h"
#include "common/store.h"
#include "hold.h"
#include "known.h"
#include "queue.h"
#include "recent.h"

struct xd_worker;
struct xd_learner;

struct xd_daemon {
	struct xl_ctx x;
	sd_event *event;
	sd_event_source *store_source;
	sd_event_source *timer;

	const char *config_path;
	const char *state_dir; /* of the queue */
	const char *libxl_dir; /* where libxl has its userdata */
	struct xd_config config;
	char boot[XD_UUID_MAX];

	struct xldump *xl;
	struct xd_store *store;
	struct xd_queue queue;
	struct xd_holds holds; /* of a predecessor, until the first scan */
	int spool;

	struct xd_worker *workers; /* those that run */
	bool stopping;
	bool intake_off;           /* requests stay in xenstore until there is room in the queue */
	unsigned store_fails;      /* times in a row that xenstored could not be written to */
	bool requests_again;       /* some may not have been seen: there was no answer */
	bool domains_again;        /* the same of domains */
	uint64_t looked_usec;      /* CLOCK_BOOTTIME, when everything was looked at last */
	char status[64];           /* what the service manager was told last */

	struct xd_learner *learner; /* the one that runs */
	struct xd_known_all known;
	bool scanned;              /* those that were there when we started are known */
	struct xd_recent recent;
};

#endif
