/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What befalls a host whose domain ids wrap round: a domain is destroyed, and another has its id.
 * xl waits a minute before it gives an id again; this does not. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenctrl.h>

#define TRIES 30000 /* of a millisecond: until nobody has a page of the old one mapped */
#define PAGES 1024

static int say(const char *what)
{
	int err = errno;

	fprintf(stderr, "impostor: %s: %s\n", what, strerror(err));
	return 1;
}

static int create(xc_interface *xch, uint32_t domid)
{
	struct xen_domctl_createdomain config = {
		.handle = "an impostor    ",
		.max_vcpus = 1,
		.max_evtchn_port = 1023,
		.max_grant_frames = -1,
		.max_maptrack_frames = -1,
		.grant_opts = XEN_DOMCTL_GRANT_version(1),
	};
	xen_pfn_t pfn[PAGES];
	int i;

	for (i = 0; i < TRIES && xc_domain_create(xch, &domid, &config) < 0; i++) {
		if (errno != EINVAL && errno != EEXIST)
			return say("create");
		usleep(1000);
	}
	if (i == TRIES)
		return say("create");
	for (i = 0; i < PAGES; i++)
		pfn[i] = (xen_pfn_t)i;
	if (xc_domain_max_vcpus(xch, domid, 1) < 0 ||
	    xc_domain_setmaxmem(xch, domid, 2 * PAGES * 4) < 0 ||
	    xc_domain_populate_physmap_exact(xch, domid, PAGES, 0, 0, pfn) < 0)
		return say("furnish");
	printf("domain %u is another one now\n", domid);
	return 0;
}

/* A new domain is paused once, and has no dirty log. */
static int judge(xc_interface *xch, uint32_t domid)
{
	xc_domaininfo_t info;
	int bad = 0;

	if (xc_domain_unpause(xch, domid) < 0)
		return say("unpause");
	if (xc_domain_getinfolist(xch, domid, 1, &info) != 1 || info.domain != domid)
		return say("look");
	if (info.flags & XEN_DOMINF_paused) {
		printf("somebody has paused the impostor\n");
		bad = 1;
	}
	if (xc_shadow_control(xch, domid, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0) < 0 &&
	    errno == EINVAL) {
		printf("somebody has switched the impostor's dirty log on\n");
		bad = 1;
	}
	return bad;
}

int main(int argc, char **argv)
{
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	bool end = argc == 3 && strcmp(argv[1], "--end") == 0;
	uint32_t domid;
	int bad;

	if (argc != 2 + end) {
		fprintf(stderr, "usage: impostor DOMID        destroy it, and make another of that id\n"
				"       impostor --end DOMID  has anybody touched it?  destroy it\n");
		return 2;
	}
	if (!xch)
		return say("xc_interface_open");
	domid = (uint32_t)strtoul(argv[argc - 1], NULL, 10);
	if (domid == 0)
		return 2;
	bad = end ? judge(xch, domid) : 0;
	if (xc_domain_destroy(xch, domid) < 0)
		return say("destroy");
	if (!end)
		bad = create(xch, domid);
	xc_interface_close(xch);
	return bad;
}
