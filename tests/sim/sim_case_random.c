/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A simulated dump from a seed: everything that can be said in a scenario, at random. */
#include "sim_case.h"

const struct sim_plausible sim_plausible[] = {
	{ SIM_host_info, { EPERM, EFAULT } },
	{ SIM_domain_info, { EPERM, EAGAIN, EFAULT, ENOMEM } },
	{ SIM_guest_width, { EPERM, EINVAL, ENOMEM } },
	{ SIM_map, { ENOMEM, EAGAIN, EPERM, EFAULT } },
	{ SIM_page_types, { ENOMEM, EPERM, EFAULT } },
	{ SIM_nr_gfns, { EPERM, EFAULT, ENOMEM } },
	{ SIM_pod_entries, { EPERM, EOPNOTSUPP, ENOMEM } },
	{ SIM_xen_frames, { EPERM, ENOMEM } },
	{ SIM_cap_get, { EPERM, EOPNOTSUPP } },
	{ SIM_cap_set, { EPERM, EINVAL } },
	{ SIM_special_frames, { EPERM, ENOMEM } },
	{ SIM_grants_prepare, { EPERM, ENOMEM } },
	{ SIM_grants_read, { EFAULT, EINVAL, ENOMEM } },
	{ SIM_shared_info, { ENOMEM, EINVAL } },
	{ SIM_logdirty_start, { ENOMEM, EPERM, EBUSY } },
	{ SIM_logdirty_fetch, { ENOMEM, EBUSY, EINVAL } },
	{ SIM_logdirty_count, { ENOMEM, EBUSY } },
	{ SIM_logdirty_stop, { EBUSY, EINTR } },
	{ SIM_dm_logdirty, { ETIMEDOUT, ECONNREFUSED, EAGAIN } },
	{ SIM_pause, { EPERM, EBUSY, ENOMEM } },
	{ SIM_unpause, { EPERM, EINVAL, EINTR, ENOMEM } },
	{ SIM_vcpus, { EPERM, EINVAL, ENOMEM, EAGAIN } },
};

const size_t sim_nr_plausible = XL_ARRAY_SIZE(sim_plausible);

static bool one_in(struct sim *dice, uint64_t n)
{
	return sim_below(dice, n) == 0;
}

static void random_guest(struct sim *dice, struct sim_params *p)
{
	p->type = (enum xldump_guest_type)sim_below(dice, 3);
	p->pages = 250 + sim_below(dice, 350);
	p->xen_minor = 17 + (unsigned)sim_below(dice, 5);
	if (p->type == XLDUMP_GUEST_PV) {
		p->three_level = one_in(dice, 3);
		p->no_shadow = one_in(dice, 4);
		p->narrow = one_in(dice, 4);
		/* More than a page of the p2m. */
		if (p->narrow)
			p->pages += 1000;
		return;
	}
	/* The others have an address space of a million pages: few of them, for they take long. */
	p->high = one_in(dice, 24);
	p->compact = !p->high && !one_in(dice, 24);
}

/* What is on is on at a rate between a tenth and ten times of the usual. */
static void random_programs(struct sim *dice, struct sim_case *c)
{
	static const uint64_t usual[SIM_NR_PROGRAMS] = {
		[SIM_DIRTIER] = 20000, [SIM_STAMPER] = 30000, [SIM_TABLES] = 25000,
		[SIM_BALLOONER] = 70000, [SIM_P2M_MOVER] = 250000, [SIM_XEN] = 40000,
	};

	for (unsigned i = 0; i < SIM_NR_PROGRAMS; i++) {
		bool rare = i == SIM_CRASHER || i == SIM_DESTROYER || i == SIM_OTHER;

		/* A theft is seen for sure only by the thief's process, which is none here. */
		if (i == SIM_THIEF || !one_in(dice, rare ? 12 : 2))
			continue;
		c->p.programs |= SIM_RUN(i);
		if (usual[i] && one_in(dice, 2))
			c->every[i] = usual[i] / 10 + sim_below(dice, usual[i] * 3);
	}
	/* One that dirties faster than anybody can copy. */
	if ((c->p.programs & SIM_RUN(SIM_DIRTIER)) && one_in(dice, 4))
		c->every[SIM_DIRTIER] = 300 + sim_below(dice, 3000);
}

static void random_fault(struct sim *dice, struct sim_case *c)
{
	const struct sim_plausible *pl = &sim_plausible[sim_below(dice, sim_nr_plausible)];
	size_t n = 0;

	while (n < XL_ARRAY_SIZE(pl->err) && pl->err[n])
		n++;
	c->fault = (struct sim_fault){
		.op = pl->op,
		.nth = 1 + sim_below(dice, one_in(dice, 2) ? 3 : 40),
		.err = -pl->err[sim_below(dice, n)],
		.sticks = one_in(dice, 4),
		.late = pl->op == SIM_dm_logdirty && one_in(dice, 3),
	};
	c->fault.page = c->fault.op == SIM_map && c->fault.err == -ENOMEM && one_in(dice, 2);
}

static void random_before(struct sim *dice, struct sim_case *c)
{
	switch (sim_below(dice, 40)) {
	case 0:
		c->logging = !c->p.no_shadow;
		break;
	case 1:
	case 2:
		c->paused = true;
		break;
	case 3:
	case 4:
		c->crashed = true;
		break;
	case 5:
		c->pod = c->p.type == XLDUMP_GUEST_PV ? 0 : 1 + sim_below(dice, 50);
		break;
	case 6:
		c->paged = 1 + sim_below(dice, 50);
		break;
	case 7:
		c->cap = 1 + (uint32_t)sim_below(dice, 200);
		break;
	default:
		break;
	}
}

static void random_options(struct sim *dice, struct sim_case *c)
{
	static const enum xldump_strategy strategy[] = {
		XLDUMP_STRATEGY_AUTO, XLDUMP_STRATEGY_AUTO, XLDUMP_STRATEGY_AUTO,
		XLDUMP_STRATEGY_PRECOPY, XLDUMP_STRATEGY_RESCAN, XLDUMP_STRATEGY_STOP,
	};

	c->cp.strategy = strategy[sim_below(dice, XL_ARRAY_SIZE(strategy))];
	c->cp.max_rounds = 1 + (unsigned)sim_below(dice, 12);
	if (!one_in(dice, 3))
		return;
	/* Below, what one look at the memory costs is more than the part that is left for the end. */
	c->cp.max_pause_ns = (uint64_t)200000 << sim_below(dice, 6);
	c->cp.throttle = one_in(dice, 3);
	c->cp.extend_pause = one_in(dice, 3);
}

void sim_case_random(uint64_t seed, struct sim_case *ret)
{
	/* Only for its random numbers. */
	struct sim dice = { .rng = seed * 0xd1342543de82ef95ULL + 77 };

	*ret = (struct sim_case){ .p = { .seed = seed } };
	random_guest(&dice, &ret->p);
	random_programs(&dice, ret);
	random_before(&dice, ret);
	random_options(&dice, ret);
	ret->p.late_write = one_in(&dice, 6);
	if (ret->cp.max_pause_ns && one_in(&dice, 3))
		ret->p.slow_pause = 2 + (unsigned)sim_below(&dice, 10);
	ret->p.young_write = ret->p.type != XLDUMP_GUEST_PV && one_in(&dice, 6);
	if (one_in(&dice, 4))
		random_fault(&dice, ret);
	else if (one_in(&dice, 16))
		ret->p.die_at = 3 + sim_below(&dice, 80);
}
