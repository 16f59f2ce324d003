/// @file
/// Built with -ffast-math: the compiler's start-up code in it sets flush-to-zero when the module is loaded.

extern "C" float skink_test_halve(float value) { return value / 2.0F; }
