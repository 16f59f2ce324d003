// Boost.Asio without its library: the one source file that may include these. See the compile definitions in
// CMakeLists.txt.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
