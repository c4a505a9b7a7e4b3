/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The jobs that wait or run. */
#include "queue.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/domain.h"
#include "base/json.h"

#define SUFFIX ".job"
#define JOB_FILE_MAX 65536

void xd_boot_id(char ret[XD_UUID_MAX])
{
	_cleanup_fclose_ FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!f || fscanf(f, "%36s", ret) != 1)
		ret[0] = '\0';
}

static void file_name(const struct xd_job *job, char ret[NAME_MAX + 1])
{
	(void)snprintf(ret, NAME_MAX + 1, "%s" SUFFIX, job->id);
}

static bool is_job_file(const char *name)
{
	size_t len = strlen(name);
	char id[XD_ID_MAX];

	if (len <= strlen(SUFFIX) || len - strlen(SUFFIX) >= sizeof(id) ||
	    strcmp(name + len - strlen(SUFFIX), SUFFIX) != 0)
		return false;
	(void)snprintf(id, sizeof(id), "%.*s", (int)(len - strlen(SUFFIX)), name);
	return xd_job_id_ok(id);
}

static int insert(struct xd_queue *q, const struct xd_job *job, struct xd_job **ret)
{
	struct xd_job *copy;
	size_t at = q->n;

	if (q->n >= XD_QUEUE_MAX)
		return -ENOBUFS;
	if (q->n == q->allocated) {
		size_t more = q->allocated ? 2 * q->allocated : 16;
		struct xd_job **p = reallocarray(q->job, more, sizeof(struct xd_job *));

		if (!p)
			return -ENOMEM;
		q->job = p;
		q->allocated = more;
	}
	copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *job;
	while (at > 0 && q->job[at - 1]->seq > job->seq)
		at--;
	memmove(&q->job[at + 1], &q->job[at], (q->n - at) * sizeof(struct xd_job *));
	q->job[at] = copy;
	q->n++;
	*ret = copy;
	return 0;
}

/* Not a reason to serve nobody: the others are taken up. */
static void set_aside(struct xl_ctx *x, const struct xd_queue *q, const char *name)
{
	char to[NAME_MAX + 1];

	if (snprintf(to, sizeof(to), "%s.bad", name) < (int)sizeof(to))
		(void)renameat(q->dirfd, name, q->dirfd, to);
	xl_log(x, XLDUMP_LOG_WARNING,
	       "the queue's file %s is not a valid job (%s); renamed to %s", name,
	       x->err, to);
	xl_err_clear(x);
}

static int load(struct xl_ctx *x, struct xd_queue *q, const char *name)
{
	_cleanup_json_ struct json_object *o = xl_json_read(q->dirfd, name, JOB_FILE_MAX);
	struct xd_job job, *added;
	char expected[NAME_MAX + 1];
	int r;

	if (!o)
		return xl_err(x, -errno, "read it");
	r = xd_job_from_json(x, o, &job);
	if (r < 0)
		return r;
	file_name(&job, expected);
	if (strcmp(expected, name) != 0 || xd_state_final(job.state))
		return xl_err(x, -EINVAL, "its name or state does not match");
	if (xd_queue_find(q, &job.dom, xd_trigger_crashed(job.trigger)))
		return xl_err(x, -EEXIST, "there is already one for this domain");
	r = insert(q, &job, &added);
	if (r < 0)
		return xl_err(x, r, "keep it");
	if (job.seq >= q->next_seq)
		q->next_seq = job.seq + 1;
	return 0;
}

/* The last number given, so that none is given twice: a job that is over leaves no other trace. */
static void load_seq(struct xd_queue *q)
{
	_cleanup_json_ struct json_object *o = xl_json_read(q->dirfd, "seq", JOB_FILE_MAX);
	uint64_t seq;

	q->next_seq = 1;
	if (xl_json_u64(o, "last", &seq) && seq < INT64_MAX)
		q->next_seq = seq + 1;
}

int xd_queue_open(struct xl_ctx *x, const char *dir, struct xd_queue *ret)
{
	struct dirent *e;
	DIR *d;
	int fd;

	*ret = (struct xd_queue){ .dirfd = -1 };
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return xl_err(x, -errno, "create %s", dir);
	ret->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (ret->dirfd < 0)
		return xl_err(x, -errno, "open %s", dir);
	load_seq(ret);
	fd = openat(ret->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		int r = -errno;

		xl_closep(&fd);
		return xl_err(x, r, "read %s", dir);
	}
	while ((e = readdir(d)))
		if (is_job_file(e->d_name) && load(x, ret, e->d_name) < 0)
			set_aside(x, ret, e->d_name);
	(void)closedir(d);
	return 0;
}

void xd_queue_close(struct xd_queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		free(q->job[i]);
	free(q->job);
	xl_closep(&q->dirfd);
	*q = (struct xd_queue){ .dirfd = -1 };
}

int xd_queue_save(struct xl_ctx *x, struct xd_queue *q, const struct xd_job *job)
{
	_cleanup_json_ struct json_object *o = xd_job_to_json(job);
	char name[NAME_MAX + 1];
	int r;

	file_name(job, name);
	r = xl_json_write(q->dirfd, name, o);
	return r < 0 ? xl_err(x, r, "keep job %s in the queue", job->id) : 0;
}

static int save_seq(struct xd_queue *q, uint64_t last)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	xl_json_put_u64(o, "last", last);
	return xl_json_write(q->dirfd, "seq", o);
}

void xd_queue_skip(struct xd_queue *q, uint64_t seq)
{
	if (q->next_seq <= seq && seq < INT64_MAX)
		q->next_seq = seq + 1;
}

int xd_queue_add(struct xl_ctx *x, struct xd_queue *q, const struct xd_job *job,
		 struct xd_job **ret)
{
	struct xd_job copy = *job;
	int r;

	if (xd_queue_by_id(q, job->id))
		return xl_err(x, -EEXIST, "job %s", job->id);
	copy.seq = q->next_seq;
	r = save_seq(q, copy.seq);
	if (r < 0)
		return xl_err(x, r, "number job %s", job->id);
	q->next_seq++;
	r = insert(q, &copy, ret);
	if (r < 0)
		return xl_err(x, r, "queue job %s", job->id);
	r = xd_queue_save(x, q, *ret);
	if (r < 0)
		xd_queue_remove(q, *ret);
	return r;
}

void xd_queue_remove(struct xd_queue *q, struct xd_job *job)
{
	char name[NAME_MAX + 1];

	for (size_t i = 0; i < q->n; i++) {
		if (q->job[i] != job)
			continue;
		file_name(job, name);
		(void)unlinkat(q->dirfd, name, 0);
		memmove(&q->job[i], &q->job[i + 1], (q->n - i - 1) * sizeof(struct xd_job *));
		q->n--;
		free(job);
		return;
	}
}

struct xd_job *xd_queue_by_id(const struct xd_queue *q, const char *id)
{
	for (size_t i = 0; i < q->n; i++)
		if (!strcmp(q->job[i]->id, id))
			return q->job[i];
	return NULL;
}

struct xd_job *xd_queue_find(const struct xd_queue *q, const struct xldump_domain *dom, bool crash)
{
	for (size_t i = 0; i < q->n; i++) {
		struct xd_job *j = q->job[i];

		if (xd_trigger_crashed(j->trigger) == crash && xl_same_domain(&j->dom, dom))
			return j;
	}
	return NULL;
}

unsigned xd_queue_count(const struct xd_queue *q, enum xd_state state)
{
	unsigned n = 0;

	for (size_t i = 0; i < q->n; i++)
		n += q->job[i]->state == state;
	return n;
}

unsigned xd_queue_waiting(const struct xd_queue *q)
{
	unsigned n = 0;

	for (size_t i = 0; i < q->n; i++)
		n += q->job[i]->state == XD_QUEUED && !xd_trigger_crashed(q->job[i]->trigger);
	return n;
}
