#pragma once
/* What lwIP asks of a compiler and a platform. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LWIP_NO_UNISTD_H 1
#define LWIP_PLATFORM_DIAG(x)
#define LWIP_PLATFORM_ASSERT(x) skink_lwip_failed(__LINE__) /* texts and file names would cost 5 KB */
#define LWIP_RAND() skink_random()
#define SYS_ARCH_DECL_PROTECT(level)
#define SYS_ARCH_PROTECT(level)
#define SYS_ARCH_UNPROTECT(level)

#ifdef __cplusplus
extern "C" {
#endif
void skink_lwip_failed(int line);
uint32_t skink_random(void);
#ifdef __cplusplus
}
#endif
