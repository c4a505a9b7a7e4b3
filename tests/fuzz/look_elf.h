/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A look at a dump with libelf: whether it is inside its own bounds, whatever the guest was. */
#ifndef XLDUMP_TESTS_FUZZ_LOOK_ELF_H
#define XLDUMP_TESTS_FUZZ_LOOK_ELF_H

#include "cut/cut.h"
#include "fuzz.h"
#include "sink/sink.h"

/* A sink in memory.  The file descriptor of its file is in *ret_fd. */
struct xl_sink *look_sink(int *ret_fd);

/* A page as the file has it. */
typedef void (*look_page_fn)(void *data, xl_pfn_t pfn, const uint8_t *page);

/* Headers, segments, sections and notes stand up to checks; the pages are those of cut->present,
 * and each is shown to fn. */
void look_elf(int fd, const struct xl_cut *cut, look_page_fn fn, void *data);

#endif
