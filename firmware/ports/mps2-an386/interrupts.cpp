/// @file
/// The external interrupts of the board that have handlers; an image without a driver has none for its chip.

extern "C" {

void Unexpected_Handler();
void Timers_Handler();
__attribute__((weak)) void Ethernet_Handler() { Unexpected_Handler(); }

__attribute__((section(".vectors.external"), used)) void (*const skink_external_vectors[])() = {
    Unexpected_Handler, Unexpected_Handler, Unexpected_Handler, Unexpected_Handler, Unexpected_Handler,
    Unexpected_Handler, Unexpected_Handler, Unexpected_Handler, Unexpected_Handler, Unexpected_Handler,
    Timers_Handler,  // 10
    Unexpected_Handler, Unexpected_Handler,
    Ethernet_Handler,  // 13
};

}  // extern "C"
