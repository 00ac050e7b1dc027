//! UDP sockets, interfaces and batched system calls; knows no protocol.
