/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads that compress pages.  They know pages and nothing else, and work only while
 * xl_packer_run() waits for them, which is never while a guest is paused by `precopy`. */
#include "codec/compress.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#define DEFAULT_MAX_THREADS 4
#define MAX_THREADS 256

/* Pages that a thread takes at once. */
#define SHARE 8

struct worker {
	struct xl_packer *p;
	void *state; /* of the codec */
	pthread_t thread;
};

struct xl_packer {
	const struct xl_codec *codec;
	struct worker *worker; /* [0] is who calls xl_packer_run() */
	unsigned workers;

	pthread_mutex_t lock;
	pthread_cond_t work, done;
	struct xl_pack *pack; /* all below: under the lock */
	size_t n, next;
	unsigned busy;
	bool end;
};

static void compress_one(const struct xl_codec *codec, void *state, struct xl_pack *pack)
{
	size_t size = codec ? codec->compress(state, pack->page, pack->out) : 0;

	pack->size = size && size < XL_PAGE_SIZE ? size : XL_PAGE_SIZE;
}

/* Takes shares until there are none.  Called and returns with the lock held. */
static void work(struct worker *w)
{
	struct xl_packer *p = w->p;

	while (p->next < p->n) {
		size_t from = p->next, to = p->n - from > SHARE ? from + SHARE : p->n;
		struct xl_pack *pack = p->pack;

		p->next = to;
		(void)pthread_mutex_unlock(&p->lock);
		for (size_t i = from; i < to; i++)
			compress_one(p->codec, w->state, &pack[i]);
		(void)pthread_mutex_lock(&p->lock);
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct xl_packer *p = w->p;

	(void)pthread_mutex_lock(&p->lock);
	while (!p->end) {
		if (p->next >= p->n) {
			(void)pthread_cond_wait(&p->work, &p->lock);
			continue;
		}
		p->busy++;
		work(w);
		if (--p->busy == 0)
			(void)pthread_cond_signal(&p->done);
	}
	(void)pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Signals are for the caller's threads. */
static int start(struct worker *w)
{
	sigset_t all, old;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&w->thread, NULL, worker_main, w);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

int xl_packer_open(struct xl_ctx *x, const struct xl_codec *codec, int level, unsigned threads,
		   struct xl_packer **ret)
{
	struct xl_packer *p = calloc(1, sizeof(*p));

	/* What is not compressed needs no threads. */
	threads = !codec || threads == 0 ? 1 : threads < MAX_THREADS ? threads : MAX_THREADS;
	if (!p)
		return xl_err(x, -ENOMEM, "start compression");
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->work, NULL);
	(void)pthread_cond_init(&p->done, NULL);
	p->codec = codec;
	p->worker = calloc(threads, sizeof(*p->worker));
	for (unsigned i = 0; p->worker && i < threads; i++) {
		struct worker *w = &p->worker[i];

		w->p = p;
		w->state = codec ? codec->open(level ? level : codec->default_level) : NULL;
		if (codec && !w->state)
			break;
		p->workers++;
		if (i > 0 && start(w) < 0) {
			codec->close(w->state);
			p->workers--;
			break;
		}
	}
	if (p->workers == 0) {
		xl_packer_close(p);
		return xl_err(x, -ENOMEM, "start compression");
	}
	xl_log(x, XLDUMP_LOG_DEBUG, "compression: %s, %u thread%s", codec ? codec->name : "none",
	       p->workers, p->workers == 1 ? "" : "s");
	*ret = p;
	return 0;
}

void xl_packer_run(struct xl_packer *p, struct xl_pack *pack, size_t n)
{
	(void)pthread_mutex_lock(&p->lock);
	p->pack = pack;
	p->n = n;
	p->next = 0;
	if (p->workers > 1 && n > SHARE)
		(void)pthread_cond_broadcast(&p->work);
	work(&p->worker[0]);
	while (p->busy > 0)
		(void)pthread_cond_wait(&p->done, &p->lock);
	p->n = p->next = 0;
	(void)pthread_mutex_unlock(&p->lock);
}

void xl_packer_close(struct xl_packer *p)
{
	if (!p)
		return;
	(void)pthread_mutex_lock(&p->lock);
	p->end = true;
	(void)pthread_cond_broadcast(&p->work);
	(void)pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->workers; i++) {
		if (i > 0)
			(void)pthread_join(p->worker[i].thread, NULL);
		if (p->codec)
			p->codec->close(p->worker[i].state);
	}
	(void)pthread_cond_destroy(&p->work);
	(void)pthread_cond_destroy(&p->done);
	(void)pthread_mutex_destroy(&p->lock);
	free(p->worker);
	free(p);
}

unsigned xl_packer_threads(unsigned wish)
{
	cpu_set_t set;
	unsigned cpus = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		cpus = (unsigned)CPU_COUNT(&set);
	if (wish == XLDUMP_THREADS_ALL)
		return cpus;
	if (wish)
		return wish;
	cpus = (cpus + 1) / 2;
	return cpus < DEFAULT_MAX_THREADS ? cpus : DEFAULT_MAX_THREADS;
}
