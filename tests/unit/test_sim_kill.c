/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dump is killed before and after every operation of the seam, on every kind of simulated guest and in
 * every strategy.  The host is in memory that processes share, so what the dead one did to the guest
 * is still done; whoever comes next puts it right, and a dump after that works. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/formats.h"
#include "hv/recover.h"
#include "hv/undo_private.h"
#include "sim_test.h"
#include "sink/sink.h"

static char top[64], undo_dir[80], out_dir[80], out_file[96];
static char said[4096];

static int setup(void **state)
{
	(void)state;
	(void)snprintf(top, sizeof(top), "/tmp/xldump-kill.XXXXXX");
	if (!mkdtemp(top))
		return -1;
	(void)snprintf(undo_dir, sizeof(undo_dir), "%s/undo", top);
	(void)snprintf(out_dir, sizeof(out_dir), "%s/out", top);
	(void)snprintf(out_file, sizeof(out_file), "%s/core", out_dir);
	return mkdir(out_dir, 0700);
}

static int teardown(void **state)
{
	char path[96];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/" XL_UNDO_NEW, undo_dir);
	(void)unlink(path);
	return rmdir(undo_dir) | rmdir(out_dir) | rmdir(top);
}

/* All of them, hidden ones too. */
static unsigned entries(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		     strcmp(e->d_name, XL_UNDO_NEW) != 0;
	(void)closedir(d);
	return n;
}

/* ---- one dump, into a file, with a journal: as dump.c does it ---- */

struct job {
	struct xl_ctx x;
	struct xl_sink *sink;
	struct xl_format *format;
	struct xl_physmap map;
	struct xl_pipeline *pipe;
	struct xl_cut cut;
};

static int write_dump(struct job *j, struct sim *s, const struct xl_capture_params *cp)
{
	struct xl_layout layout = { .nr_pfns = j->map.nr_pfns, .vcpus = SIM_USUAL_VCPUS };
	struct xl_bitmap present;
	int r = xl_bitmap_init(&present, j->map.nr_pfns);

	if (r < 0)
		return r;
	xl_bitmap_copy(&present, &j->map.present);
	layout.present = &present;
	r = xl_format_open(&j->x, &layout, j->sink, &(const struct xl_format_params){ 0 }, &j->format);
	if (r == 0)
		r = xl_pipeline_create(&j->x, &(struct xl_pipeline_params){
			.format = j->format, .nr_pfns = j->map.nr_pfns, .max_tables = 4096,
		}, &j->pipe);
	if (r == 0)
		r = xl_capture(&j->x, &s->hv, cp, &j->map, j->pipe, &j->cut);
	if (r == 0)
		r = xl_pipeline_seal(j->pipe, &j->cut);
	xl_format_close(j->format);
	xl_bitmap_deinit(&present);
	return r;
}

static int dump(struct job *j, struct sim *s, const struct xl_capture_params *cp)
{
	struct xl_hv *hv = &s->hv;
	uint64_t bytes, disk;
	int r = xl_undo_open(&j->x, undo_dir, SIM_DOMID, s->dom.uuid, &j->x.undo);

	if (r == 0)
		r = xl_sink_file_open(&j->x, out_file, false, &j->sink);
	if (r == 0)
		r = hv->ops->domain_info(hv, SIM_DOMID, &j->cut.dom);
	if (r == 0)
		r = hv->ops->host_info(hv, &j->cut.host);
	j->cut.type = s->params.type;
	if (r == 0)
		r = xl_physmap_build(&j->x, hv, &j->cut.dom, j->cut.host.max_mfn, &j->map);
	if (r == 0)
		r = write_dump(j, s, cp);
	if (r == 0)
		r = xl_sink_commit(&j->x, j->sink, &bytes, &disk);
	xl_sink_close(j->sink);
	xl_pipeline_destroy(j->pipe);
	xl_cut_deinit(&j->cut);
	xl_physmap_deinit(&j->map);
	xl_undo_close(j->x.undo);
	return r;
}

/* True if it was killed. */
static bool dump_in_child(struct sim *s, const struct xl_capture_params *cp, uint64_t kill_at)
{
	int status;
	pid_t pid;

	s->steps = 0;
	s->kill_at = kill_at;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		static struct job j = { .x.proc = "/nowhere" };
		int r = dump(&j, s, cp);

		if (r < 0)
			fprintf(stderr, "# %d: %s\n", r, j.x.err);
		_exit(r < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	s->kill_at = 0;
	/* What was mapped went with the process, and so did its call. */
	s->mapped = WIFSIGNALED(status) ? 0 : s->mapped;
	s->inside = false;
	if (!WIFSIGNALED(status))
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFSIGNALED(status);
}

/* ---- and who comes next ---- */

static void on_log(void *data, enum xldump_log_level level, const char *line)
{
	size_t len = strlen(said);

	(void)data;
	(void)level;
	(void)snprintf(said + len, sizeof(said) - len, "%s\n", line);
}

static void recover(struct sim *s)
{
	struct xl_ctx x = { .log = on_log };

	said[0] = '\0';
	assert_int_equal(xl_recover(&x, &s->hv, undo_dir, NULL), 0);
}

struct way {
	const char *name;
	struct sim_params p;
	struct xl_capture_params cp;
	bool crashed, paused;
	uint32_t cap;
};

static struct sim *prepared(const struct way *w)
{
	struct sim_params p = w->p;
	struct sim *s;

	p.seed = 31;
	p.pages = 80;
	p.compact = p.type != XLDUMP_GUEST_PV;
	p.programs = SIM_QUIET_PROGRAMS | SIM_OUTSIDE;
	s = new_sim(&p);
	s->dom.shutdown = w->crashed;
	s->pauses_other = w->paused;
	s->cap = w->cap;
	return s;
}

/* The guest is as it was before, and nothing is left of the dump. */
static void is_put_right(struct sim *s, const struct way *w, uint64_t at)
{
	/* The one case that nobody can tell, see undo.h: killed within the call, and somebody else had
	 * paused it, too. */
	if (w->paused && s->pauses_ours == 1 &&
	    strstr(said, "left it paused, because somebody else had paused it before"))
		s->pauses_ours = 0;
	if (s->pauses_ours || s->pauses_other != w->paused || s->log_on || s->dm_on ||
	    s->cap != w->cap || s->broken[0])
		fail_msg("%s, killed at %" PRIu64 ": %d pauses, log %d, device model's %d, cap %u, %s; %s",
			 w->name, at, s->pauses_ours, s->log_on, s->dm_on, s->cap, s->broken, said);
	if (entries(out_dir) || entries(undo_dir))
		fail_msg("%s, killed at %" PRIu64 ": %u files, %u journals are left", w->name, at,
			 entries(out_dir), entries(undo_dir));
}

static void works_again(struct sim *s, const struct way *w)
{
	struct sim_dump d;

	s->cap = 0;
	assert_int_equal(judge(s, &w->cp, &d), 0);
	assert_int_equal(d.r, 0);
	sim_dump_deinit(&d);
}

static void sweep(const struct way *w)
{
	unsigned places = 0, paused = 0, logging = 0, capped = 0;

	for (uint64_t at = 1;; at++) {
		_cleanup_(sim_destroyp) struct sim *s = prepared(w);
		bool killed = dump_in_child(s, &w->cp, at);

		if (killed) {
			places++;
			paused += s->pauses_ours > 0;
			logging += s->log_on;
			capped += s->cap != w->cap;
		} else {
			assert_int_equal(entries(out_dir), 1);
			assert_int_equal(unlink(out_file), 0);
		}
		recover(s);
		is_put_right(s, w, at);
		recover(s);
		assert_string_equal(said, "");
		if (!killed)
			break;
		if (at % 16 == 0)
			works_again(s, w);
	}
	print_message("# %s: killed at %u places; the guest was paused at %u of them, logged at %u, "
		      "slowed at %u\n",
		      w->name, places, paused, logging, capped);
	assert_true(places > 40 && paused > 5);
	assert_true(!w->cp.throttle || capped > 5);
}

static const struct way ways[] = {
	{ "precopy of PV", { .type = XLDUMP_GUEST_PV }, { .strategy = XLDUMP_STRATEGY_PRECOPY,
	  .max_rounds = 3 }, false, false, 0 },
	{ "precopy of PV, three-level p2m", { .type = XLDUMP_GUEST_PV, .three_level = true },
	  { .strategy = XLDUMP_STRATEGY_PRECOPY, .max_rounds = 3 }, false, false, 0 },
	{ "precopy of PVH on Xen 4.17", { .type = XLDUMP_GUEST_PVH, .xen_minor = 17 },
	  { .strategy = XLDUMP_STRATEGY_PRECOPY, .max_rounds = 3 }, false, false, 0 },
	{ "precopy of HVM", { .type = XLDUMP_GUEST_HVM }, { .strategy = XLDUMP_STRATEGY_PRECOPY,
	  .max_rounds = 3 }, false, false, 0 },
	{ "precopy of PVH, slowed", { .type = XLDUMP_GUEST_PVH, .dirty_interval = 200 },
	  { .strategy = XLDUMP_STRATEGY_PRECOPY, .max_rounds = 2, .max_pause_ns = 60000,
	    .throttle = true, .extend_pause = true }, false, false, 77 },
	{ "auto of PV that cannot be logged", { .type = XLDUMP_GUEST_PV, .no_shadow = true },
	  { .strategy = XLDUMP_STRATEGY_AUTO, .max_rounds = 3 }, false, false, 0 },
	{ "rescan of HVM", { .type = XLDUMP_GUEST_HVM }, { .strategy = XLDUMP_STRATEGY_RESCAN },
	  false, false, 0 },
	{ "stop of PVH", { .type = XLDUMP_GUEST_PVH }, { .strategy = XLDUMP_STRATEGY_STOP }, false,
	  false, 0 },
	{ "still of HVM, crashed", { .type = XLDUMP_GUEST_HVM }, { .strategy = XLDUMP_STRATEGY_STILL },
	  true, false, 0 },
	{ "still of PV, paused by somebody else", { .type = XLDUMP_GUEST_PV },
	  { .strategy = XLDUMP_STRATEGY_STILL }, false, true, 0 },
};

static void test_kill(void **state)
{
	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(ways); i++)
		sweep(&ways[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_kill) };

	return cmocka_run_group_tests_name("killed in the simulator", tests, setup, teardown);
}
