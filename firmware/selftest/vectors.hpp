#pragma once
/// @file
/// Written by tests/golden/selftest_vectors.py --write; never by hand.

namespace skink::firmware::selftest::vectors {

inline constexpr const char* kRandomBits = "f378139743819aaa10beecdfceff098e0f1e7b983ee6b49b2d69bc980b128708";
inline constexpr const char* kPermutations = "fd81718d2dd5ec945eb3994163e77d55973b65bd45c46410e7f33f7447cfd9b9";
inline constexpr const char* kExp = "c0057f565205863a22489350e3934b4d9bb8a40c11570b06f890dbcba2bcf2a6";
inline constexpr const char* kLog = "c75af4e7f28ea33eecd9e52099900513a3137eab39e263e7f6b780ffef5d0778";
inline constexpr const char* kTanh = "cdebd5fe8f762ec198a82de25269c84b7c6d1eb38a23d058080f083553759069";
inline constexpr const char* kSin = "7739543166d3e3ec7db307b7fd77d7ca78a6ed039351a6dd4e9ae312dc2dfa38";
inline constexpr const char* kCos = "fa09c471bbf6004009b5d6c9342baeddd51022e06859edfc98fc38e58c6c30c3";
inline constexpr const char* kSqrt = "6668505117debe1d988f13f691986cf5bcb6188428c993aff86a5691adfcb292";
inline constexpr const char* kDenseOnline = "be4037d8c547e7de58ca570410cab35d236bb0a0dc4afc591be0961e5e3949ac";
inline constexpr const char* kDenseBatch = "86f787dd05ba22e25e2a75041335724c1cc9797a50392a9d454988dd75984011";
inline constexpr const char* kConvOnline = "5f7cd61b79719905101d5f91d875f1a848c19962aa0de83a79549d197b2f88ae";
inline constexpr const char* kLayersOnline = "c3f44120a5e510914155b3a719f6b23bf8644eca72ca786c3754eae1edbe278e";
inline constexpr const char* kCodecs = "74192b412d9eeea995975a20c86ac92ee0a8500f44dc452d6d8a61edb9c72931";
inline constexpr const char* kFeatures = "2ea6a1491a46e04f4f830e7d13c58b0d62460c37f800df66609afce60bf91719";

}  // namespace skink::firmware::selftest::vectors
