#pragma once
/* lwIP 2.2 without an operating system: one TCP connection, DHCP, DNS, SNTP. Sizes in bytes unless they count things. */

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_RAW 0
#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define LWIP_ARP 1
#define LWIP_ICMP 1
#define LWIP_UDP 1
#define LWIP_DHCP 1
#define LWIP_ACD 0 /* a lease would take two seconds more */
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define LWIP_DNS 1
#define DNS_TABLE_SIZE 1 /* one name is asked for at a time; 272 bytes each */
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define ETH_PAD_SIZE 2 /* the IP header is word aligned */

#define LWIP_TCP 1
#define TCP_MSS 1460
#ifndef TCP_WND
#define TCP_WND (4 * TCP_MSS) /* what a LAN9118's receive FIFO surely holds */
#endif
#ifndef TCP_SND_BUF
#define TCP_SND_BUF (2 * TCP_MSS)
#endif
#define TCP_QUEUE_OOSEQ 0 /* at most four segments are on the way: after a lost one the others come again */
#define TCP_SND_QUEUELEN 8
#define MEMP_NUM_TCP_SEG 12
#define MEMP_NUM_TCP_PCB 3 /* one in use, others may still be closing */
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define MEMP_NUM_UDP_PCB 3 /* DHCP, DNS, SNTP */
#define MEMP_NUM_PBUF 4
#define MEMP_NUM_SYS_TIMEOUT 8 /* TCP, ARP, DHCP twice, DNS, SNTP */

#define MEM_ALIGNMENT 8
#ifndef MEM_SIZE
#define MEM_SIZE (7 * 1024) /* outgoing TCP data is copied here */
#endif
#ifndef PBUF_POOL_SIZE
#define PBUF_POOL_SIZE 6
#endif
#define PBUF_POOL_BUFSIZE 1536

#define LWIP_STATS 0
#define LWIP_NETIF_HOSTNAME 0
#define LWIP_CHECKSUM_CTRL_PER_NETIF 0

/* SNTP: server and port come from the identity; the time goes to skink/firmware/net (clock.cpp). */
#define SNTP_SERVER_DNS 0
#define SNTP_STARTUP_DELAY 0
#define SNTP_RECV_TIMEOUT 1000 /* questions at 0, 4 and 11 s */
#define SNTP_RETRY_TIMEOUT 3000
#define SNTP_CHECK_RESPONSE 2 /* an answer repeats what was sent as our time, and that is random */
#define SNTP_GET_SYSTEM_TIME_NTP(seconds, fraction) \
  do {                                              \
    (seconds) = (s32_t)LWIP_RAND();                 \
    (fraction) = LWIP_RAND();                       \
  } while (0)
#define SNTP_SUPPRESS_DELAY_CHECK
#define SNTP_PORT skink_time_server_port()
#define SNTP_SET_SYSTEM_TIME(seconds) skink_set_network_time(seconds)
#ifdef __cplusplus
extern "C" {
#endif
unsigned short skink_time_server_port(void);
void skink_set_network_time(unsigned long unix_seconds);
#ifdef __cplusplus
}
#endif
