/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers for people. */
#ifndef XLDUMP_CLI_TEXT_H
#define XLDUMP_CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* "12.5 MiB", into buf, which is returned. */
const char *text_size(uint64_t bytes, char *buf, size_t size);

/* "12.5 ms" */
const char *text_time(uint64_t ns, char *buf, size_t size);

#endif
