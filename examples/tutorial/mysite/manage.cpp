#include "site.hpp"

#include <c10k/manage.hpp>

int main(int argc, char** argv) { return c10k::manage<Site>(argc, argv); }
