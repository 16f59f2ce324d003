// Boost.JSON without its library: the one source file that may include this.
#include <boost/json/src.hpp>
