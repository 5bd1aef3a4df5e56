#include "seams/disk_contract.h"
