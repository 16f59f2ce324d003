"""What a coordinator must do."""

from report import check_list

CHECKS, check = check_list()
